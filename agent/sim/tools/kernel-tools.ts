/** Tools whose answer only the kernel knows: they ask the machine and print what it says. */
import type { Tool, ToolCall } from "./tool.js";

/** Asks the kernel and prints its answer. Exit code 127 when it knows no such tool. */
export async function ask(call: ToolCall, op: string): Promise<number> {
  const reply = await call.machine.ask(op, call.argv);
  if (reply.stdout !== undefined) call.out(reply.stdout);
  if (reply.stderr !== undefined) call.err(reply.stderr);
  return reply.exitCode;
}

const names = ["insmod", "rmmod", "lsmod", "dmesg", "uname", "reboot", "poweroff", "ibstat", "iblinkinfo", "sminfo", "lspci"] as const;

export const kernelTools: Readonly<Record<string, Tool>> = Object.fromEntries(
  names.map((name) => [name, (call: ToolCall) => ask(call, name)]),
);
