/** `find [-L] PATH… [-mindepth N] [-maxdepth N] [-name GLOB] [-type C] [-newer FILE] [-printf FORMAT]`. */
import { lstatSync, readdirSync, readlinkSync, type Stats, statSync } from "node:fs";
import { basename, join } from "node:path";
import type { Tool, ToolCall } from "../tools/tool.js";

interface Expression {
  readonly minDepth: number;
  readonly maxDepth: number;
  readonly name: RegExp | undefined;
  readonly type: string | undefined;
  readonly newerMs: number | undefined;
  readonly format: string;
}

interface Found {
  readonly path: string;
  readonly stats: Stats;
  readonly link: string | undefined;
}

export const find: Tool = (call) => {
  const follow = call.argv[0] === "-L";
  const words = follow ? call.argv.slice(1) : call.argv;
  const split = words.findIndex((word) => word.startsWith("-"));
  const paths = words.slice(0, split < 0 ? words.length : split);
  const expression = parse(call, split < 0 ? [] : words.slice(split));
  if (typeof expression === "string") {
    call.err(`find: ${expression}\n`);
    return 1;
  }
  let exitCode = 0;
  for (const path of paths.length > 0 ? paths : ["."]) {
    if (look(call, path, follow) !== undefined) walk(call, path, 0, follow, expression);
    else {
      call.err(`find: '${path}': No such file or directory\n`);
      exitCode = 1;
    }
  }
  return exitCode;
};

function walk(call: ToolCall, path: string, depth: number, follow: boolean, expression: Expression): void {
  const found = look(call, path, follow);
  if (found === undefined) return;
  if (depth >= expression.minDepth && matches(found, expression)) call.out(describe(found, expression.format));
  if (!found.stats.isDirectory() || depth >= expression.maxDepth) return;
  for (const name of readdirSync(call.machine.host(path)).sort()) walk(call, join(path, name), depth + 1, follow, expression);
}

function look(call: ToolCall, path: string, follow: boolean): Found | undefined {
  const host = call.machine.hostLink(path);
  const own = lstatSync(host, { throwIfNoEntry: false });
  if (own === undefined) return undefined;
  const stats = follow ? (statSync(call.machine.host(path), { throwIfNoEntry: false }) ?? own) : own;
  return { path, stats, link: own.isSymbolicLink() ? readlinkSync(host) : undefined };
}

function matches({ path, stats }: Found, { name, type, newerMs }: Expression): boolean {
  if (name !== undefined && !name.test(basename(path))) return false;
  if (type !== undefined && type !== typeOf(stats)) return false;
  return newerMs === undefined || stats.mtimeMs > newerMs;
}

function typeOf(stats: Stats): string {
  return stats.isDirectory() ? "d" : stats.isSymbolicLink() ? "l" : "f";
}

function describe({ path, stats, link }: Found, format: string): string {
  const fields: Readonly<Record<string, string>> = {
    "%y": typeOf(stats),
    "%s": String(stats.size),
    "%T@": `${Math.floor(stats.mtimeMs / 1000)}.${String(Math.floor((stats.mtimeMs % 1000) * 1e6)).padStart(9, "0")}0`,
    "%f": basename(path),
    "%p": path,
    "%l": link ?? "",
    "%m": (stats.mode & 0o7777).toString(8),
    "%%": "%",
    "\\n": "\n",
    "\\t": "\t",
    "\\0": "\0",
  };
  return format.replace(/%T@|%\w|%%|\\[nt0]/g, (token) => fields[token] ?? token);
}

function parse(call: ToolCall, words: readonly string[]): Expression | string {
  const values: Record<string, string> = {};
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? "";
    if (word === "-print") continue;
    if (!/^-(?:mindepth|maxdepth|name|type|newer|printf)$/.test(word)) return `unknown predicate \`${word}'`;
    values[word.slice(1)] = words[(index += 1)] ?? "";
  }
  const { mindepth = "0", maxdepth = "1000", name, type, newer, printf = "%p\\n" } = values;
  return {
    minDepth: Number(mindepth),
    maxDepth: Number(maxdepth),
    name: name === undefined ? undefined : globExpression(name),
    type,
    newerMs: newer === undefined ? undefined : call.machine.modifiedMs(newer),
    format: printf,
  };
}

function globExpression(glob: string): RegExp {
  const escaped = glob.replace(/[.+^${}()|\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`);
}
