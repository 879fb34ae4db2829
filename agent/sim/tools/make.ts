/** `make` as far as the stand-in LegoOS tree needs it: finds out where it stands and hands over. */
import { basename } from "node:path";
import { makeKernel } from "./make-kernel.js";
import { noRule, stop } from "./make-errors.js";
import { makeModules } from "./make-modules.js";
import { makeUser } from "./make-user.js";
import type { MachineView } from "./machine-view.js";
import type { Tool, ToolCall } from "./tool.js";

interface Arguments {
  readonly directories: readonly string[];
  readonly targets: readonly string[];
  readonly problem?: string;
}

export const make: Tool = async (call) => {
  if (call.argv.includes("--version") || call.argv.includes("-v")) {
    call.out("GNU Make 3.82\nBuilt for x86_64-redhat-linux-gnu\n");
    return 0;
  }
  const { directories, targets, problem } = parse(call.argv);
  if (problem !== undefined) return stop(call, problem);
  let machine = call.machine;
  for (const directory of directories) {
    machine = machine.from(directory);
    if (!machine.exists(".")) return stop(call, `${directory}: No such file or directory.  Stop.`);
  }
  const entered = directories.length > 0;
  if (entered) call.out(`make: Entering directory \`${machine.cwd}'\n`);
  const exitCode = await makeIn({ ...call, machine }, targets);
  if (entered) call.out(`make: Leaving directory \`${machine.cwd}'\n`);
  return exitCode;
};

function makeIn(call: ToolCall, targets: readonly string[]): Promise<number> | number {
  const { machine } = call;
  if (isKernelTree(machine)) return makeKernel(call, targets);
  const inTree = isKernelTree(machine.from(".."));
  if (inTree && basename(machine.cwd) === "usr") return makeUser(call, targets);
  if (inTree && basename(machine.cwd) === "linux-modules") return makeModules(call, targets);
  if (!machine.exists("Makefile"))
    return stop(call, targets.length > 0 ? noRule(targets[0] ?? "") : "No targets specified and no makefile found.  Stop.");
  return stop(call, `${machine.cwd}/Makefile: not a makefile this simulation knows.  Stop.`);
}

function isKernelTree(machine: MachineView): boolean {
  return machine.exists("Kconfig") && machine.exists("Makefile") && machine.exists("net/lego");
}

/** -C, -jN and the harmless flags; NAME=VALUE is taken and ignored. */
function parse(argv: readonly string[]): Arguments {
  const directories: string[] = [];
  const targets: string[] = [];
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? "";
    if (word === "-C" || word === "--directory") directories.push(argv[(index += 1)] ?? "");
    else if (word.startsWith("-C")) directories.push(word.slice(2));
    else if (word.startsWith("--directory=")) directories.push(word.slice("--directory=".length));
    else if (word === "-j" && /^\d+$/.test(argv[index + 1] ?? "")) index += 1;
    else if (/^-(j\d*|s|k|w)$|^--(jobs(=\d+)?|silent|no-print-directory)$|^\w+=/.test(word)) continue;
    else if (word.startsWith("-")) return { directories, targets, problem: `invalid option -- '${word}'` };
    else targets.push(word);
  }
  return { directories, targets };
}
