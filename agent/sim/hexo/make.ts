/** `make` in an application's directory: the template Makefile of util/hermit (facts: HEXO §2). */
import { boardRules, type Rule } from "./make-board.js";
import { build, check, clean } from "./make-programs.js";
import { type MakeCall, MakeVariables } from "./make-variables.js";
import { proxyFor } from "./proxy.js";
import { programName } from "./program-file.js";
import type { Tool, ToolCall } from "../tools/tool.js";
import { noRule, stop } from "../tools/make-errors.js";
import { rmSync } from "node:fs";
import { type FindTool } from "./ssh.js";
import { proxyPaths } from "./toolchain.js";

type Rules = Readonly<Record<string, Rule | ((making: MakeCall) => number)>>;

export function make(findTool: FindTool): Tool {
  const rules: Rules = { ...ownRules, ...boardRules(findTool) };
  return (call) => run(call, rules);
}

async function run(call: ToolCall, rules: Rules): Promise<number> {
  if (call.argv.includes("--version")) {
    call.out("GNU Make 4.1\nBuilt for x86_64-pc-linux-gnu\n");
    return 0;
  }
  const { directory, targets, assignments, problem } = parse(call.argv);
  if (problem !== undefined) return stop(call, problem);
  const machine = call.machine.from(directory ?? ".");
  if (!machine.exists(".")) return stop(call, `${directory ?? ""}: No such file or directory.  Stop.`);
  const text = machine.read("Makefile");
  if (text === undefined)
    return stop(call, targets[0] === undefined ? "No targets specified and no makefile found.  Stop." : noRule(targets[0]));
  const here: ToolCall = { ...call, machine };
  const making = { call: here, variables: new MakeVariables(text, here.env, assignments) };
  for (const target of targets.length > 0 ? targets : ["all"]) {
    const rule = rules[target];
    const exitCode = rule === undefined ? stop(call, noRule(target)) : await rule(making);
    if (exitCode === 0) continue;
    return rule === undefined ? exitCode : stop(call, `[${target}] Error ${exitCode}`);
  }
  return 0;
}

const nothing = (name: string) => (making: MakeCall) => {
  making.call.out(`${name}: ${programName("x86_64", true)}\n`);
  return 0;
};

const ownRules = {
  all: build,
  check,
  "test-x86": async (making: MakeCall) => (await build(making)) || testX86(making),
  ...Object.fromEntries(
    ["objdump", "dump-stackinfo", "dump-llvm-stackmaps"].flatMap((name) =>
      ["x86", "arm"].map((side) => [`${name}-${side}`, nothing(name)]),
    ),
  ),
  // Only these two: checkpoints and .lock stay (facts: HEXO §2, clean first).
  "clean-status": ({ call }: MakeCall) => {
    for (const name of [".status", ".memory"]) rmSync(call.machine.host(name), { force: true });
    return 0;
  },
  clean,
};

function testX86({ call, variables }: MakeCall): Promise<number> | number {
  const program = programName("x86_64", true);
  const path = `${variables.get("POPHERMIT")}/${proxyPaths.x86_64}`;
  if (!call.machine.exists(path)) {
    call.err(`make: ${path}: Command not found\n`);
    return 127;
  }
  return proxyFor("x86_64")({
    ...call,
    argv: [program, ...variables.words("ARGS")],
    env: { ...call.env, ...variables.proxyEnvironment(0) },
  });
}

interface Arguments {
  readonly directory?: string;
  readonly targets: readonly string[];
  readonly assignments: ReadonlyMap<string, string>;
  readonly problem?: string;
}

function parse(argv: readonly string[]): Arguments {
  const targets: string[] = [];
  const assignments = new Map<string, string>();
  let directory: string | undefined;
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? "";
    const assignment = /^(\w+)\s*[:?]?=(.*)$/s.exec(word);
    if (assignment !== null) assignments.set(assignment[1] ?? "", assignment[2] ?? "");
    else if (word === "-C" || word === "--directory") directory = argv[(index += 1)] ?? "";
    else if (word.startsWith("-C")) directory = word.slice(2);
    else if (/^-(j\d*|s|k|w|B)$|^--(jobs(=\d+)?|silent|no-print-directory)$/.test(word)) continue;
    else if (word.startsWith("-")) return { targets, assignments, problem: `invalid option -- '${word}'` };
    else targets.push(word);
  }
  return { ...(directory === undefined ? {} : { directory }), targets, assignments };
}
