/** One program that is every stand-in tool: `main.js SYSTEM TOOL ARGUMENT…`, started by the launchers installTools writes. */
import { systemClock, sleep } from "../../../proto/base/clock.js";
import { describeError } from "../../../proto/base/errors.js";
import { isSystemName, toolsOf } from "../systems.js";
import { MachineView } from "./machine-view.js";
import { defaultDisposition } from "./signals.js";
import type { ToolCall } from "./tool.js";

async function main([system = "", name = "", ...argv]: readonly string[]): Promise<number> {
  const tool = isSystemName(system) ? toolsOf(system)[name] : undefined;
  if (tool === undefined) {
    process.stderr.write(`${name}: command not found\n`);
    return 127;
  }
  defaultDisposition("SIGUSR1");
  const call: ToolCall = {
    argv,
    machine: MachineView.ofProcess(process.env, process.cwd()),
    now: () => systemClock.now(),
    work: (milliseconds) => sleep(systemClock, milliseconds),
    stdin: readStdin,
    env: process.env,
    onSignal: (signal, handler) => void process.on(signal, handler),
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
  };
  return tool(call);
}

async function readStdin(): Promise<string> {
  if (process.stdin.isTTY) return "";
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString("utf8");
}

main(process.argv.slice(2)).then(
  (exitCode) => {
    process.exitCode = exitCode;
  },
  (error: unknown) => {
    process.stderr.write(`${process.argv[3] ?? "tool"}: ${describeError(error)}\n`);
    process.exitCode = 126;
  },
);
