/** The processor manager's first user process: loaded by the memory manager, its output on the serial line (facts: LegoOS §6). */
import { runExecutable } from "./executable.js";
import type { ManagerContext } from "./manager-context.js";
import { callManager } from "./remote-call.js";

const writeMs = 3;
/** Left in the buffer by what was written before; not UTF-8 (facts: LegoOS §6). */
const leftOver: readonly (readonly number[])[] = [
  [0xec, 0x02],
  [0xd6, 0x02],
  [0x20, 0xe4, 0x02],
];

/** Runs what procmgmt() names, or what is linked into the memory manager. Prints nothing at the start, and at the end with DEBUG_EXIT only. */
export async function runUserProgram(context: ManagerContext): Promise<void> {
  const { build, console, lifetime, fabric } = context;
  const { filename, argv } = build.init ?? { filename: "", argv: [] };
  const reply = await callManager(context, Number(build.config["DEFAULT_MEM_NODE"]), "memory", (memory) => memory.execute(filename));
  if (reply === undefined || "error" in reply) {
    console.printk(`Processor: Fail to execve ${filename}, error: ${reply?.error ?? -110}`);
    return;
  }
  const storage = fabric.serviceAt(context.lidOf(Number(build.config["DEFAULT_STORAGE_NODE"])) ?? 0, "storage");
  const run = runExecutable(reply.program, argv, (path) => storage?.readFile(path));
  for (const [index, text] of run.writes.entries()) {
    await lifetime.pause(writeMs);
    console.programOutput(text, leftOver[index % leftOver.length] ?? []);
  }
  await lifetime.pause(writeMs);
  if (build.config["DEBUG_EXIT"] !== "y") return;
  const code = `0x${(run.exitStatus << 8).toString(16)}`;
  console.printk(`do_group_exit() CPU:2pid:9,tgid:9 exit_code:${code}`);
  console.printk(`do_exit() CPU:2 pid:9,tgid:9 code:${code}`);
}
