/** Tools that make, list and judge files, on the machine's disk: find, ls, ln, mkdir, rm, test, stat, readlink. */
import { lstatSync, mkdirSync, readdirSync, readlinkSync, rmSync, type Stats, statSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";
import type { Tool, ToolCall } from "../tools/tool.js";

const noSuchFile = "No such file or directory";

const mkdir: Tool = (call) => {
  for (const path of operands(call.argv)) {
    const host = call.machine.host(path);
    if (!call.argv.includes("-p") && statSync(host, { throwIfNoEntry: false }) !== undefined) {
      call.err(`mkdir: cannot create directory '${path}': File exists\n`);
      return 1;
    }
    mkdirSync(host, { recursive: true });
  }
  return 0;
};

const rm: Tool = (call) => {
  let exitCode = 0;
  const [recursive, force] = [/^-\w*[rR]/, /^-\w*f/].map((flag) => call.argv.some((word) => flag.test(word)));
  for (const path of operands(call.argv)) {
    const host = call.machine.hostLink(path);
    const found = lstatSync(host, { throwIfNoEntry: false });
    if (found?.isDirectory() === true && recursive !== true) call.err(`rm: cannot remove '${path}': Is a directory\n`);
    else if (found === undefined && force !== true) call.err(`rm: cannot remove '${path}': ${noSuchFile}\n`);
    else {
      rmSync(host, { recursive: true, force: true });
      continue;
    }
    exitCode = 1;
  }
  return exitCode;
};

/** ln -s[f] TARGET… LINK | DIRECTORY */
const ln: Tool = (call) => {
  const paths = operands(call.argv);
  const destination = paths.at(-1) ?? "";
  const targets = paths.length > 1 ? paths.slice(0, -1) : paths;
  const isDirectory = statSync(call.machine.host(destination), { throwIfNoEntry: false })?.isDirectory() === true;
  for (const target of targets) {
    const link = call.machine.hostLink(isDirectory ? join(destination, basename(target)) : destination);
    if (lstatSync(link, { throwIfNoEntry: false }) !== undefined) {
      if (!call.argv.some((word) => /^-\w*f/.test(word))) {
        call.err(`ln: failed to create symbolic link '${destination}': File exists\n`);
        return 1;
      }
      rmSync(link);
    }
    symlinkSync(target, link);
  }
  return 0;
};

const readlink: Tool = (call) => {
  const path = operands(call.argv)[0] ?? "";
  if (call.argv.some((word) => /^-\w*[fe]/.test(word))) {
    call.out(`${call.machine.host(path).slice(call.machine.rootDirectory.replace(/\/$/, "").length)}\n`);
    return 0;
  }
  const host = call.machine.hostLink(path);
  if (lstatSync(host, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return 1;
  call.out(`${readlinkSync(host)}\n`);
  return 0;
};

/** test -X PATH, and the comparisons of texts. Who may read and write is told by the owner's bits: tests run as root. */
const test: Tool = (call) => {
  const words = call.argv.filter((word, index) => !(word === "!" && index === 0));
  const result = judge(call, words);
  return result === (call.argv[0] !== "!") ? 0 : 1;
};

function judge(call: ToolCall, [first = "", second, third]: readonly string[]): boolean {
  if (second === "=" || second === "!=") return (first === third) === (second === "=");
  if (second === undefined) return first !== "";
  const found = statSync(call.machine.host(second), { throwIfNoEntry: false });
  const link = lstatSync(call.machine.hostLink(second), { throwIfNoEntry: false });
  const mode = found?.mode ?? 0;
  switch (first) {
    case "-e":
      return found !== undefined;
    case "-f":
      return found?.isFile() === true;
    case "-d":
      return found?.isDirectory() === true;
    case "-L":
    case "-h":
      return link?.isSymbolicLink() === true;
    case "-s":
      return (found?.size ?? 0) > 0;
    case "-r":
      return (mode & 0o400) !== 0;
    case "-w":
      return (mode & 0o200) !== 0;
    case "-x":
      return (mode & 0o100) !== 0;
    case "-c":
      return second === "/dev/kvm" && found !== undefined;
    case "-n":
      return second !== "";
    case "-z":
      return second === "";
    default:
      return false;
  }
}

/** stat [-L] -c FORMAT PATH… */
const stat: Tool = (call) => {
  const at = call.argv.findIndex((word) => /^-L?c$|^--format$|^--printf$/.test(word));
  const format = at < 0 ? "%n %s" : (call.argv[at + 1] ?? "");
  const follow = call.argv.some((word) => /^-Lc?$/.test(word));
  let exitCode = 0;
  for (const path of operands(call.argv.filter((_, index) => index !== at + 1 || at < 0))) {
    const found = follow
      ? statSync(call.machine.host(path), { throwIfNoEntry: false })
      : lstatSync(call.machine.hostLink(path), { throwIfNoEntry: false });
    if (found === undefined) {
      call.err(`stat: cannot stat '${path}': ${noSuchFile}\n`);
      exitCode = 1;
    } else call.out(`${format.replace(/%(\w)/g, (all, letter: string) => statField(found, path, letter) ?? all)}\n`);
  }
  return exitCode;
};

function statField(found: Stats, path: string, letter: string): string | undefined {
  const fields: Readonly<Record<string, string>> = {
    n: path,
    s: String(found.size),
    Y: String(Math.floor(found.mtimeMs / 1000)),
    y: new Date(found.mtimeMs).toISOString(),
    a: (found.mode & 0o7777).toString(8),
    U: "root",
    G: "root",
    F: found.isDirectory() ? "directory" : found.isSymbolicLink() ? "symbolic link" : "regular file",
  };
  return fields[letter];
}

const ls: Tool = (call) => {
  let exitCode = 0;
  const paths = operands(call.argv);
  for (const path of paths.length > 0 ? paths : ["."]) {
    const host = call.machine.host(path);
    const found = statSync(host, { throwIfNoEntry: false });
    if (found === undefined) {
      call.err(`ls: cannot access '${path}': ${noSuchFile}\n`);
      exitCode = 2;
      continue;
    }
    const all = call.argv.some((word) => /^-\w*[aA]/.test(word));
    const names = found.isDirectory() ? readdirSync(host).filter((name) => all || !name.startsWith(".")) : [path];
    call.out(names.map((name) => `${name}\n`).join(""));
  }
  return exitCode;
};

export function operands(argv: readonly string[]): readonly string[] {
  return argv.filter((word) => !/^-./.test(word));
}

export const fileTools: Readonly<Record<string, Tool>> = { mkdir, rm, ln, readlink, test, stat, ls };
