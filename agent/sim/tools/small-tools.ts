/** Tools that look at the machine's file system only. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { type Executable, parseExecutable } from "../lego/executable.js";
import { parseModule } from "../lego/image.js";
import { find } from "./find.js";
import { grep } from "./grep.js";
import { compileUserProgram } from "./make-user.js";
import type { Tool, ToolCall } from "./tool.js";

const gcc: Tool = async (call) => {
  const { argv } = call;
  if (argv.includes("--version")) {
    call.out("gcc (GCC) 4.8.5 20150623 (Red Hat 4.8.5-11)\nCopyright (C) 2015 Free Software Foundation, Inc.\n");
    return 0;
  }
  const output = argv[argv.indexOf("-o") + 1] ?? "a.out";
  const source = argv.find((word) => word.endsWith(".c")) ?? "";
  await call.work(20);
  return compileUserProgram(call, source, argv.includes("-o") ? output : "a.out", argv.includes("-static"));
};

const sync: Tool = () => 0;

interface Process {
  readonly pid: string;
  readonly name: string;
  readonly commandLine: string;
}

function processes(call: ToolCall): readonly Process[] {
  if (!call.machine.exists("/proc")) return [];
  return readdirSync(call.machine.host("/proc"))
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => ({
      pid,
      name: (call.machine.read(`/proc/${pid}/comm`) ?? "").trim(),
      commandLine: (call.machine.read(`/proc/${pid}/cmdline`) ?? "").replaceAll("\0", " ").trim(),
    }));
}

/** ps: every process, whatever the options. A kernel thread stands in brackets. */
const ps: Tool = (call) => {
  call.out("  PID TTY          TIME CMD\n");
  for (const { pid, name, commandLine } of processes(call))
    call.out(`${pid.padStart(5)} ?        00:00:00 ${commandLine || `[${name}]`}\n`);
  return 0;
};

/** pgrep [-x] [-l | -a] PATTERN */
const pgrep: Tool = (call) => {
  const pattern = call.argv.find((word) => !word.startsWith("-")) ?? "";
  const wanted = new RegExp(call.argv.includes("-x") ? `^(?:${pattern})$` : pattern);
  const found = processes(call).filter((process) => wanted.test(process.name));
  for (const { pid, name, commandLine } of found) {
    const described = call.argv.includes("-a") ? ` ${commandLine}` : call.argv.includes("-l") ? ` ${name}` : "";
    call.out(`${pid}${described}\n`);
  }
  return found.length > 0 ? 0 : 1;
};

/** sha256sum FILE…, sha256sum -c SUMS */
const sha256sum: Tool = (call) => {
  if (call.argv[0] === "-c") return checkSums(call, call.argv[1] ?? "");
  let exitCode = 0;
  for (const path of call.argv.filter((word) => !word.startsWith("-"))) {
    const host = call.machine.host(path);
    if (statSync(host, { throwIfNoEntry: false })?.isFile() === true) {
      call.out(`${createHash("sha256").update(readFileSync(host)).digest("hex")}  ${path}\n`);
    } else {
      call.err(`sha256sum: ${path}: No such file or directory\n`);
      exitCode = 1;
    }
  }
  return exitCode;
};

function checkSums(call: ToolCall, list: string): number {
  const text = call.machine.read(list);
  if (text === undefined) {
    call.err(`sha256sum: ${list}: No such file or directory\n`);
    return 1;
  }
  let [wrong, unreadable] = [0, 0];
  for (const line of text.split("\n").filter((each) => each !== "")) {
    const path = line.slice(66);
    const host = call.machine.host(path);
    if (statSync(host, { throwIfNoEntry: false })?.isFile() !== true) {
      call.err(`sha256sum: ${path}: No such file or directory\n`);
      call.out(`${path}: FAILED open or read\n`);
      unreadable += 1;
    } else {
      const isSame = createHash("sha256").update(readFileSync(host)).digest("hex") === line.slice(0, 64);
      call.out(`${path}: ${isSame ? "OK" : "FAILED"}\n`);
      wrong += isSame ? 0 : 1;
    }
  }
  if (wrong > 0) call.err(`sha256sum: WARNING: ${wrong} computed checksum did NOT match\n`);
  return wrong + unreadable > 0 ? 1 : 0;
}

const cat: Tool = (call) => {
  let exitCode = 0;
  for (const path of call.argv) {
    const text = call.machine.read(path);
    if (text === undefined) {
      call.err(`cat: ${path}: No such file or directory\n`);
      exitCode = 1;
    } else call.out(text);
  }
  return exitCode;
};

/** file PATH: enough to tell a static executable from a dynamic one, and from none. */
const file: Tool = (call) => {
  for (const path of call.argv.filter((word) => !word.startsWith("-"))) call.out(`${path}: ${describeFile(call, path)}\n`);
  return 0;
};

function describeFile(call: ToolCall, path: string): string {
  const text = call.machine.read(path);
  if (text === undefined) return `cannot open (No such file or directory)`;
  const program = parseExecutable(text);
  if (program?.linkage === "static") return "ELF 64-bit LSB executable, x86-64, version 1 (GNU/Linux), statically linked, not stripped";
  if (program !== undefined)
    return "ELF 64-bit LSB executable, x86-64, version 1 (SYSV), dynamically linked (uses shared libs), not stripped";
  return parseModule(text) === undefined ? "ASCII text" : "ELF 64-bit LSB relocatable, x86-64, version 1 (SYSV), not stripped";
}

/** readelf -l | -h PATH: the program headers tell a dynamic program by its INTERP. */
const readelf: Tool = (call) => {
  const path = call.argv.find((word) => !word.startsWith("-")) ?? "";
  const text = call.machine.read(path);
  const program = parseExecutable(text);
  if (program !== undefined) {
    call.out(programHeaders(program));
    return 0;
  }
  call.err(
    text === undefined
      ? `readelf: Error: '${path}': No such file\n`
      : "readelf: Error: Not an ELF file - it has the wrong magic bytes at the start\n",
  );
  return 1;
};

function programHeaders(program: Executable): string {
  const interpreter = `  INTERP         0x000238 0x400238 0x400238 0x00001c 0x00001c R   0x1
      [Requesting program interpreter: /lib64/ld-linux-x86-64.so.2]
`;
  return `
Elf file type is EXEC (Executable file)
Entry point 0x400e36

Program Headers:
  Type           Offset   VirtAddr PhysAddr FileSiz  MemSiz   Flg Align
${program.linkage === "dynamic" ? interpreter : ""}  LOAD           0x000000 0x400000 0x400000 0x0b8ce5 0x0b8ce5 R E 0x200000
`;
}

export const smallTools: Readonly<Record<string, Tool>> = { gcc, sync, ps, pgrep, sha256sum, cat, file, readelf, find, grep };
