/** Where things are on a Phoenix machine, as the scripts find them: below the home directory of whoever runs them. */
import { existsSync, lstatSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import type { MachineView } from "../tools/machine-view.js";
import type { Tool, ToolCall } from "../tools/tool.js";

export const phoenixRelease = "5.15.94+";

export function homeOf(call: ToolCall): string {
  return call.machine.absolute(call.env["HOME"] ?? "/root");
}

/** ~/phoenix */
export function treeOf(call: ToolCall): string {
  return `${homeOf(call)}/phoenix`;
}

export function put(machine: MachineView, path: string, contents: string): void {
  const host = machine.host(path);
  mkdirSync(dirname(host), { recursive: true });
  writeFileSync(host, contents);
}

/** `ln -sf`, relative, so that it leads to the same file for the machine and for the host. What it leads to need not be there. */
export function link(machine: MachineView, target: string, path: string): void {
  const directory = machine.host(dirname(path));
  mkdirSync(directory, { recursive: true });
  // Not what an older link of this name leads to.
  const host = join(directory, basename(path));
  if (lstatSync(host, { throwIfNoEntry: false }) !== undefined) rmSync(host);
  symlinkSync(relative(directory, machine.host(target)), host);
}

/** Whether a path leads to a file, links followed. */
export function leadsSomewhere(machine: MachineView, path: string): boolean {
  return existsSync(machine.host(path));
}

/** `uname -r` */
export async function runningRelease(call: ToolCall): Promise<string> {
  return ((await call.machine.ask("uname", ["-r"])).stdout ?? "").trim();
}

/** A script of the tree: there is none before the tree was cloned. `path`: below the tree. */
export function script(path: string, run: Tool): Tool {
  return (call) => {
    if (call.machine.exists(`${treeOf(call)}/${path}`)) return run(call);
    call.err(`bash: ${path}: No such file or directory\n`);
    return 127;
  };
}
