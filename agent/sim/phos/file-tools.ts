/** Tools that look at files and change them, the same on the machine and in its containers. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Tool, ToolCall } from "../tools/tool.js";
import { faultsOf } from "../tools/surroundings.js";

/** Words that are no options; `valued`: options that take the next word. */
function words(argv: readonly string[], valued: readonly string[] = []): string[] {
  return argv.filter((word, index) => !word.startsWith("-") && !valued.includes(argv[index - 1] ?? ""));
}

const ls: Tool = (call) => {
  let exitCode = 0;
  for (const path of words(call.argv)) {
    if (!call.machine.exists(path)) {
      call.err(`ls: cannot access '${path}': No such file or directory\n`);
      exitCode = 2;
    } else if (!call.argv.includes("-d") && statSync(call.machine.host(path)).isDirectory()) {
      for (const name of readdirSync(call.machine.host(path)).sort()) call.out(`${name}\n`);
    } else call.out(`${path}\n`);
  }
  return exitCode;
};

/** tail -c N | -c +N | -n N FILE */
const tail: Tool = (call) => {
  const [path = ""] = words(call.argv, ["-c", "-n"]);
  const text = call.machine.read(path, "latin1");
  if (text === undefined) {
    call.err(`tail: cannot open '${path}' for reading: No such file or directory\n`);
    return 1;
  }
  const bytes = call.argv[call.argv.indexOf("-c") + 1] ?? "";
  const raw = (latin1: string) => call.out(Buffer.from(latin1, "latin1").toString("utf8"));
  if (call.argv.includes("-c")) raw(bytes.startsWith("+") ? text.slice(Number(bytes) - 1) : text.slice(-Number(bytes)));
  else {
    const count = Number(call.argv[call.argv.indexOf("-n") + 1] ?? "10");
    raw(
      text
        .replace(/\n$/, "")
        .split("\n")
        .slice(-count)
        .map((line) => `${line}\n`)
        .join(""),
    );
  }
  return 0;
};

/** cp [-a] [-T] SOURCE TARGET */
const cp: Tool = (call) => {
  const [source = "", target = ""] = words(call.argv);
  const from = call.machine.host(source);
  if (!existsSync(from)) {
    call.err(`cp: cannot stat '${source}': No such file or directory\n`);
    return 1;
  }
  const isDirectory = statSync(from).isDirectory();
  if (isDirectory && !call.argv.some((word) => /^-\w*[arR]/.test(word))) {
    call.err(`cp: -r not specified; omitting directory '${source}'\n`);
    return 1;
  }
  const into = call.machine.host(target);
  const inside = !call.argv.includes("-T") && existsSync(into) && statSync(into).isDirectory();
  const to = inside ? join(into, basename(from)) : into;
  cpSync(from, to, { recursive: true });
  if (isDirectory && faultsOf(call).has("copy-corrupts")) corrupt(to);
  return 0;
};

/** A bit of the largest file is another one. */
function corrupt(directory: string): void {
  const files = readdirSync(directory).map((name) => join(directory, name));
  const [largest] = files.sort((a, b) => statSync(b).size - statSync(a).size);
  if (largest === undefined) return;
  const bytes = readFileSync(largest);
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  writeFileSync(largest, bytes);
}

const mkdir: Tool = (call) => {
  const parents = call.argv.includes("-p");
  for (const path of words(call.argv)) {
    const host = call.machine.host(path);
    if (!parents && existsSync(host)) return complain(call, `mkdir: cannot create directory '${path}': File exists`);
    if (!parents && !existsSync(join(host, "..")))
      return complain(call, `mkdir: cannot create directory '${path}': No such file or directory`);
    mkdirSync(host, { recursive: true });
  }
  return 0;
};

const rmdir: Tool = (call) => {
  for (const path of words(call.argv)) {
    const host = call.machine.host(path);
    if (!existsSync(host)) return complain(call, `rmdir: failed to remove '${path}': No such file or directory`);
    if (readdirSync(host).length > 0) return complain(call, `rmdir: failed to remove '${path}': Directory not empty`);
    rmdirSync(host);
  }
  return 0;
};

/** grep PATTERN FILE */
const grep: Tool = (call) => {
  const [pattern = "", path = ""] = words(call.argv);
  const found = (call.machine.read(path) ?? "").split("\n").filter((line) => new RegExp(pattern).test(line));
  for (const line of found) call.out(`${line}\n`);
  return found.length > 0 ? 0 : 1;
};

/** stat -c FORMAT FILE…: %Y and %n */
const stat: Tool = (call) => {
  const format = call.argv[call.argv.indexOf("-c") + 1] ?? "%n";
  let exitCode = 0;
  for (const path of words(call.argv, ["-c"])) {
    const seen = statSync(call.machine.host(path), { throwIfNoEntry: false });
    if (seen === undefined) {
      call.err(`stat: cannot statx '${path}': No such file or directory\n`);
      exitCode = 1;
    } else call.out(`${format.replaceAll("%Y", String(Math.floor(seen.mtimeMs / 1000))).replaceAll("%n", path)}\n`);
  }
  return exitCode;
};

const tee: Tool = async (call) => {
  const text = await call.stdin();
  for (const path of words(call.argv)) writeFileSync(call.machine.host(path), text);
  call.out(text);
  return 0;
};

/** Everything is root's on a simulated machine. */
const chown: Tool = () => 0;

const du: Tool = (call) => {
  for (const path of words(call.argv)) if (call.machine.exists(path)) call.out(`4096\t${path}\n`);
  return 0;
};

function complain(call: ToolCall, text: string): number {
  call.err(`${text}\n`);
  return 1;
}

export const fileTools: Readonly<Record<string, Tool>> = { ls, tail, cp, mkdir, rmdir, grep, stat, tee, chown, du };
