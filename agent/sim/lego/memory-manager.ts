/** The memory manager: its workers, and the programs it loads for a processor manager (facts: LegoOS §5 and §6). */
import { parseExecutable } from "./executable.js";
import type { ExecReply } from "./fabric.js";
import type { ManagerContext } from "./manager-context.js";
import { callManager } from "./remote-call.js";

const noSuchFile = -2;
const timedOut = -110;
const notExecutable = -8;

export function startMemoryManager(context: ManagerContext): void {
  const { build, console, fabric, lidOf } = context;
  const workers = Number(build.config["THPOOL_NR_WORKERS"]);
  for (let worker = 0; worker < workers; worker += 1) {
    console.printk(`thpool: CPU ${worker + 2} thpool-worker${worker} worker_id: ${worker} UP`);
  }
  const lid = lidOf(Number(build.config["FIT_LOCAL_ID"]));
  if (lid !== undefined) fabric.serve(lid, { kind: "memory", execute: (path) => load(context, path) });
}

/** Loads a program: the one linked in, whatever the path, or with a storage node the file at that path on it. */
async function load(context: ManagerContext, path: string): Promise<ExecReply> {
  const { build } = context;
  if (build.config["USE_RAMFS"] === "y") {
    const program = build.ramfs?.program;
    if (program === undefined) return { error: notExecutable };
    if (program.linkage === "static") return { program };
    context.panic("Dynamic-linked ELF needs a storage node!");
    return new Promise(() => undefined);
  }
  const file = await callManager(context, Number(build.config["DEFAULT_STORAGE_NODE"]), "storage", (storage) => ({
    contents: storage.readFile(path),
  }));
  if (file === undefined) return { error: timedOut };
  if (file.contents === undefined) return { error: noSuchFile };
  const program = parseExecutable(file.contents);
  return program === undefined ? { error: notExecutable } : { program };
}
