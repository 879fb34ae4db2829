/** find PATH… [-mindepth N] [-maxdepth N] [-name GLOB] [-newer FILE]: names what is there, as GNU find does. */
import { lstatSync, readdirSync } from "node:fs";
import { basename } from "node:path";
import type { Tool, ToolCall } from "./tool.js";

interface Wanted {
  readonly paths: readonly string[];
  readonly minDepth: number;
  readonly maxDepth: number;
  readonly name: RegExp | undefined;
  readonly newerMs: number;
}

export const find: Tool = (call) => {
  const wanted = parse(call);
  if (typeof wanted === "string") {
    call.err(`find: ${wanted}\n`);
    return 1;
  }
  let exitCode = 0;
  for (const path of wanted.paths) {
    if (lstatSync(call.machine.host(path), { throwIfNoEntry: false }) === undefined) {
      call.err(`find: ‘${path}’: No such file or directory\n`);
      exitCode = 1;
    } else walk(call, path, 0, wanted);
  }
  return exitCode;
};

function parse({ argv, machine }: ToolCall): Wanted | string {
  const first = argv.findIndex((word) => word.startsWith("-"));
  const paths = first < 0 ? argv : argv.slice(0, first);
  let wanted: Wanted = { paths, minDepth: 0, maxDepth: Infinity, name: undefined, newerMs: -1 };
  for (let at = first < 0 ? argv.length : first; at < argv.length; at += 2) {
    const [test = "", value = ""] = argv.slice(at, at + 2);
    if (test === "-mindepth") wanted = { ...wanted, minDepth: Number(value) };
    else if (test === "-maxdepth") wanted = { ...wanted, maxDepth: Number(value) };
    else if (test === "-name") wanted = { ...wanted, name: glob(value) };
    else if (test === "-newer") {
      if (!machine.exists(value)) return `‘${value}’: No such file or directory`;
      wanted = { ...wanted, newerMs: machine.modifiedMs(value) };
    } else return `unknown predicate \`${test}'`;
  }
  return wanted;
}

function glob(pattern: string): RegExp {
  return new RegExp(
    `^${pattern
      .replace(/[.+^$()|{}\\]/g, "\\$&")
      .replaceAll("*", ".*")
      .replaceAll("?", ".")}$`,
  );
}

function walk(call: ToolCall, path: string, depth: number, wanted: Wanted): void {
  const seen = lstatSync(call.machine.host(path));
  const matches = (wanted.name?.test(basename(path)) ?? true) && seen.mtimeMs > wanted.newerMs;
  if (depth >= wanted.minDepth && matches) call.out(`${path}\n`);
  if (!seen.isDirectory() || depth >= wanted.maxDepth) return;
  for (const name of readdirSync(call.machine.host(path)).sort()) walk(call, `${path.replace(/\/$/, "")}/${name}`, depth + 1, wanted);
}
