/** git as far as a clone of PhOS needs it. What is in a clone is decided by the tree; .git holds where it is from and what is missing. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { faultsOf } from "../tools/surroundings.js";
import type { Tool, ToolCall } from "../tools/tool.js";
import { refs, submoduleCommit, submoduleFiles, submodules, trackedFiles } from "./tree.js";

interface Repository {
  readonly url: string;
  readonly commit: string;
  readonly fetched: string;
  /** Submodules that are there. */
  readonly present: readonly string[];
}

const metadata = ".git/stand-in.json";

export const git: Tool = (call) => {
  let { argv, machine } = call;
  if (argv[0] === "-C") {
    machine = machine.from(argv[1] ?? ".");
    argv = argv.slice(2);
  }
  const [command = "", ...rest] = argv;
  const run = { ...call, machine, argv: rest };
  if (command === "ls-remote") return lsRemote(run);
  if (command === "clone") return clone(run);
  const repository = read(run);
  if (repository === undefined) return fatal(call, "not a git repository (or any of the parent directories): .git");
  const inside = commands[command];
  return inside === undefined ? fatal(call, `'${command}' is not simulated`) : inside(run, repository);
};

type Command = (call: ToolCall, repository: Repository) => Promise<number> | number;

const commands: Readonly<Record<string, Command>> = {
  remote: (call, { url }) => print(call, url),
  "rev-parse": (call, { commit }) => print(call, commit),
  fetch: (call, repository) => {
    if (isOffline(call)) return offline(call, repository.url);
    const commit = findRef(call.argv.filter((word) => !word.startsWith("-")).pop() ?? "")[0]?.[1];
    if (commit === undefined) return fatal(call, "couldn't find remote ref");
    write(call, { ...repository, fetched: commit });
    return 0;
  },
  checkout: (call, repository) => {
    lay(call, trackedFiles);
    write(call, { ...repository, commit: call.argv.includes("FETCH_HEAD") ? repository.fetched : repository.commit });
    return 0;
  },
  submodule: (call, repository) => {
    const [action] = call.argv;
    if (action === "status") {
      for (const path of submodules)
        call.out(`${repository.present.includes(path) ? " " : "-"}${submoduleCommit(path)} ${path} (heads/master)\n`);
      return 0;
    }
    if (action !== "update") return 0;
    if (isOffline(call)) return offline(call, repository.url);
    bringSubmodules(call, repository);
    return 0;
  },
  clean: (call, repository) => {
    for (const path of untracked(call, repository)) rmSync(call.machine.host(path), { recursive: true, force: true });
    return 0;
  },
  status: (call, repository) => {
    for (const path of untracked(call, repository)) call.out(`${isIgnored(path) ? "!!" : "??"} ${path}\n`);
    for (const [path, contents] of Object.entries(trackedFiles)) {
      const now = call.machine.read(path);
      if (now !== contents) call.out(`${now === undefined ? " D" : " M"} ${path}\n`);
    }
    return 0;
  },
};

function lsRemote(call: ToolCall): number {
  const [url = "", ...patterns] = call.argv;
  if (isOffline(call)) return offline(call, url);
  for (const [ref, commit] of patterns.flatMap(findRef)) call.out(`${commit}\t${ref}\n`);
  return 0;
}

function findRef(name: string): (readonly [string, string])[] {
  return Object.entries(refs).filter(([ref]) => ref === name || ref.endsWith(`/${name}`));
}

async function clone(call: ToolCall): Promise<number> {
  const [url = "", target = "."] = call.argv.filter((word, index) => !word.startsWith("-") && call.argv[index - 1] !== "--branch");
  const branch = call.argv[call.argv.indexOf("--branch") + 1] ?? "main";
  if (isOffline(call)) return offline(call, url);
  if (call.machine.exists(target) && readdirSync(call.machine.host(target)).length > 0)
    return fatal(call, `destination path '${target}' already exists and is not an empty directory.`);
  const commit = findRef(branch)[0]?.[1];
  if (commit === undefined) return fatal(call, `Remote branch ${branch} not found in upstream origin`);
  call.err(`Cloning into '${target}'...\n`);
  await call.work(200);
  const inside = { ...call, machine: call.machine.from(target) };
  lay(inside, trackedFiles);
  const repository = { url, commit, fetched: commit, present: [] };
  write(inside, repository);
  if (call.argv.some((word) => word.startsWith("--recurs"))) bringSubmodules(inside, repository);
  return 0;
}

function bringSubmodules(call: ToolCall, repository: Repository): void {
  const coming = faultsOf(call).has("submodules-missing") ? submodules.slice(0, 1) : submodules;
  for (const path of coming) lay(call, submoduleFiles(path));
  write(call, { ...repository, present: [...new Set([...repository.present, ...coming])] });
}

/** Untracked files and directories, the topmost of each. */
function untracked(call: ToolCall, { present }: Repository): string[] {
  const tracked = [...Object.keys(trackedFiles), ...present.flatMap((path) => Object.keys(submoduleFiles(path)))];
  const found: string[] = [];
  const look = (directory: string) => {
    for (const name of readdirSync(call.machine.host(directory === "" ? "." : directory)).sort()) {
      const path = join(directory, name);
      if (path === ".git" || tracked.includes(path)) continue;
      const isDirectory = statSync(call.machine.host(path)).isDirectory();
      if (isDirectory && tracked.some((each) => each.startsWith(`${path}/`))) look(path);
      else found.push(isDirectory ? `${path}/` : path);
    }
  };
  look("");
  return found;
}

function isIgnored(path: string): boolean {
  return /^(?:build_log|lib|bin)\//.test(path);
}

function lay({ machine }: ToolCall, files: Readonly<Record<string, string>>): void {
  for (const [path, contents] of Object.entries(files)) {
    const file = machine.host(path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, contents);
  }
}

function read({ machine }: ToolCall): Repository | undefined {
  const file = machine.host(metadata);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Repository) : undefined;
}

function write(call: ToolCall, repository: Repository): void {
  lay(call, { [metadata]: JSON.stringify(repository) });
}

function isOffline(call: ToolCall): boolean {
  return faultsOf(call).has("no-network");
}

function offline(call: ToolCall, url: string): number {
  return fatal(call, `unable to access '${url}/': Could not resolve host: github.com`);
}

function fatal(call: ToolCall, text: string): number {
  call.err(`fatal: ${text}\n`);
  return 128;
}

function print(call: ToolCall, text: string): number {
  call.out(`${text}\n`);
  return 0;
}
