/** find PATH… [-mindepth N] [-maxdepth N] [-type f|d] [-newermt @S] [-printf FORMAT | -exec COMMAND {} +|;] */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Tool, ToolCall } from "../tools/tool.js";

interface Wanted {
  readonly starts: readonly string[];
  readonly type: string | undefined;
  readonly minDepth: number;
  readonly maxDepth: number;
  readonly printf: string | undefined;
  /** Seconds since the epoch. */
  readonly newerThan: number;
  readonly exec: readonly string[] | undefined;
}

export function find(tools: () => Readonly<Record<string, Tool>>): Tool {
  return async (call) => {
    const wanted = read(call.argv);
    const found: { path: string; relative: string; size: number }[] = [];
    let exitCode = 0;
    for (const start of wanted.starts) {
      if (!call.machine.exists(start)) {
        call.err(`find: '${start}': No such file or directory\n`);
        exitCode = 1;
      } else walk(call, start, "", 0, wanted, found);
    }
    if (wanted.exec === undefined) {
      for (const { path, relative, size } of found)
        call.out(wanted.printf?.replaceAll("%s", String(size)).replaceAll("%P", relative).replaceAll("\\n", "\n") ?? `${path}\n`);
      return exitCode;
    }
    const executed = await execute(
      call,
      wanted.exec,
      found.map(({ path }) => path),
      tools(),
    );
    return exitCode === 0 ? executed : exitCode;
  };
}

function walk(
  call: ToolCall,
  start: string,
  relative: string,
  depth: number,
  wanted: Wanted,
  found: { path: string; relative: string; size: number }[],
): void {
  const path = relative === "" ? start : join(start, relative);
  const shown = start === "." && relative !== "" ? `./${relative}` : path;
  const seen = statSync(call.machine.host(path), { throwIfNoEntry: false });
  if (seen === undefined) return;
  const isType = wanted.type === undefined || (wanted.type === "f" ? seen.isFile() : seen.isDirectory());
  if (depth >= wanted.minDepth && isType && seen.mtimeMs > wanted.newerThan * 1000) found.push({ path: shown, relative, size: seen.size });
  if (!seen.isDirectory() || depth >= wanted.maxDepth) return;
  for (const name of readdirSync(call.machine.host(path)).sort()) walk(call, start, join(relative, name), depth + 1, wanted, found);
}

async function execute(call: ToolCall, command: readonly string[], paths: readonly string[], tools: Readonly<Record<string, Tool>>) {
  const [name = "", ...rest] = command.slice(0, -1);
  const tool = tools[name];
  if (tool === undefined) {
    call.err(`find: '${name}': No such file or directory\n`);
    return 1;
  }
  const groups = command[command.length - 1] === "+" ? (paths.length === 0 ? [] : [paths]) : paths.map((path) => [path]);
  let exitCode = 0;
  for (const group of groups) {
    const argv = rest.flatMap((word) => (word === "{}" ? group : [word]));
    // With ";" a command that fails is just false.
    if ((await tool({ ...call, argv })) !== 0 && command[command.length - 1] === "+") exitCode = 1;
  }
  return exitCode;
}

function read(argv: readonly string[]): Wanted {
  const after = (option: string) => (argv.includes(option) ? argv[argv.indexOf(option) + 1] : undefined);
  const first = argv.findIndex((word) => word.startsWith("-"));
  const exec = argv.indexOf("-exec");
  return {
    starts: argv.slice(0, first < 0 ? argv.length : first),
    type: after("-type"),
    minDepth: Number(after("-mindepth") ?? "0"),
    maxDepth: Number(after("-maxdepth") ?? "99"),
    printf: after("-printf"),
    newerThan: Number((after("-newermt") ?? "@0").slice(1)),
    exec: exec < 0 ? undefined : argv.slice(exec + 1),
  };
}
