/** git, as far as a clone of Phoenix and a look at its submodules need it. */
import { existsSync, readdirSync } from "node:fs";
import type { Tool, ToolCall } from "../tools/tool.js";
import { hasFault } from "./faults.js";
import { put } from "./places.js";
import { layTree } from "./tree.js";

/** With the commits that the branch sosp25 records. */
const submodules = { compiler: "5a1be6a3", glibc: "011bc731", kernel: "b7c08a9d", userlib: "9e24ab10" } as const;
const branches = ["sosp25", "master"];
/** Of our own making: which submodules are checked out. */
const stateFile = ".git/labd-sim-submodules";

export const git: Tool = (call) => {
  const [command] = call.argv;
  if (command === "--version") {
    call.out("git version 2.34.1\n");
    return 0;
  }
  if (command === "-c") return git({ ...call, argv: call.argv.slice(2) });
  if (command === "ls-remote") return lsRemote(call);
  if (command === "clone") return clone(call);
  if (command === "submodule" && call.argv[1] === "status") return status(call);
  call.err(`git: '${command ?? ""}' is not a git command. See 'git --help'.\n`);
  return 1;
};

/** git ls-remote URL BRANCH */
function lsRemote(call: ToolCall): number {
  const [, url = "", branch = ""] = call.argv;
  if (hasFault(call, "no-network")) {
    call.err(`fatal: unable to access '${url}/': Could not resolve host: github.com\n`);
    return 128;
  }
  if (branches.includes(branch)) call.out(`${"7".repeat(40)}\trefs/heads/${branch}\n`);
  return 0;
}

async function clone(call: ToolCall): Promise<number> {
  const { argv, machine } = call;
  const branch = argv.includes("--branch") ? argv[argv.indexOf("--branch") + 1] : "sosp25";
  const directory = argv.at(-1) ?? "";
  if (existsSync(machine.host(directory)) && readdirSync(machine.host(directory)).length > 0) {
    call.err(`fatal: destination path '${directory}' already exists and is not an empty directory.\n`);
    return 128;
  }
  call.err(`Cloning into '${directory}'...\n`);
  await call.work(300);
  if (branch !== "sosp25" && branch !== "master") {
    call.err(
      `warning: Could not find remote branch ${branch ?? ""} to clone.\nfatal: Remote branch ${branch ?? ""} not found in upstream origin\n`,
    );
    return 128;
  }
  layTree(machine.rootDirectory, machine.absolute(directory), branch);
  const recursive = argv.includes("--recurse-submodules") || argv.includes("--recursive");
  const names = Object.keys(submodules).filter((name) => branch === "sosp25" || name === "kernel");
  const states = names.map((name) => `${recursive && !(name === "kernel" && hasFault(call, "submodule-missing")) ? " " : "-"}${name}`);
  put(machine, `${directory}/${stateFile}`, `${states.join("\n")}\n`);
  for (const name of names) put(machine, `${directory}/${name}/.git`, `gitdir: ../.git/modules/${name}\n`);
  return 0;
}

function status(call: ToolCall): number {
  const states = call.machine.read(stateFile);
  if (states === undefined) {
    call.err("fatal: not a git repository (or any of the parent directories): .git\n");
    return 128;
  }
  for (const line of states.split("\n").filter((each) => each !== "")) {
    const [mark, name] = [line.charAt(0), line.slice(1) as keyof typeof submodules];
    call.out(`${mark}${submodules[name].padEnd(40, "0")} ${name}${mark === "-" ? "" : " (heads/main)"}\n`);
  }
  return 0;
}

/** Whether a submodule of the tree at `tree` is checked out. */
export function isCheckedOut(call: ToolCall, tree: string, name: string): boolean {
  return (call.machine.read(`${tree}/${stateFile}`) ?? "").split("\n").includes(` ${name}`);
}
