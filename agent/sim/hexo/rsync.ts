/**
 * `rsync [OPTION…] SOURCE… DESTINATION`, one side remote by ssh at most. Since 3.2.4 a remote argument is one name, blanks included;
 * before, it was split by the remote shell, later names relative to the login directory (facts: HEXO §2).
 */
import { chmodSync, existsSync, lstatSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { machineMs } from "../tools/surroundings.js";
import type { Tool, ToolCall } from "../tools/tool.js";
import { has } from "./faults.js";
import { logIn, parseSsh } from "./login.js";

const bytesPerMs = 100_000;
const connectMs = 200;

interface Arguments {
  readonly paths: readonly string[];
  readonly shell: readonly string[];
  readonly times: boolean;
  readonly stats: boolean;
  readonly followLinks: boolean;
}

interface Transfer {
  readonly from: ToolCall;
  readonly to: ToolCall;
  readonly sources: readonly string[];
  readonly destination: string;
}

interface Totals {
  files: number;
  transferred: number;
  bytes: number;
  transferredBytes: number;
}

export const rsync: Tool = async (call) => {
  const version = has(call, "old-rsync") ? "3.1.2" : "3.2.7";
  if (call.argv.includes("--version")) {
    call.out(`rsync  version ${version}  protocol version 31\nCopyright (C) 1996-2022 by Andrew Tridgell, Wayne Davison, and others.\n`);
    return 0;
  }
  const parsed = parse(call.argv);
  const transfer = await connect(call, parsed, version === "3.1.2");
  if (typeof transfer === "number") return transfer;
  await call.work(machineMs(call, connectMs));
  const totals: Totals = { files: 0, transferred: 0, bytes: 0, transferredBytes: 0 };
  let exitCode = 0;
  for (const source of transfer.sources) if (!(await copy(call, parsed, transfer, source, totals))) exitCode = 23;
  if (parsed.stats) call.out(statistics(totals));
  if (exitCode !== 0)
    call.err(`rsync error: some files/attrs were not transferred (see previous errors) (code 23) at main.c(1338) [sender=${version}]\n`);
  return exitCode;
};

/** Both sides; the exit code when there is no connection. */
async function connect(call: ToolCall, { paths, shell }: Arguments, splitsNames: boolean): Promise<Transfer | number> {
  const remotePattern = /^([^/:]+):(.*)$/s;
  const destination = paths.at(-1) ?? "";
  const sources = paths.slice(0, -1);
  const remotes = paths.map((path) => remotePattern.exec(path));
  const remote = remotes.find((each) => each !== null);
  if (remote === null || remote === undefined) return { from: call, to: call, sources, destination };
  const [, login = ""] = remote;
  const parsed = parseSsh([...shell.slice(1), login]);
  const other = parsed === undefined ? undefined : await logIn(call, parsed.destination);
  if (other === undefined) {
    call.err("rsync: connection unexpectedly closed (0 bytes received so far) [sender]\n");
    call.err("rsync error: unexplained error (code 255) at io.c(228) [sender=3.2.7]\n");
    return 255;
  }
  const target = remotes.at(-1);
  if (target !== null && target !== undefined) return { from: call, to: other, sources, destination: orHome(target[2]) };
  const names = remotes.slice(0, -1).flatMap((each) => (splitsNames ? (each?.[2] ?? "").split(/\s+/) : [each?.[2] ?? ""]));
  return { from: other, to: call, sources: names.filter((name) => name !== ""), destination };
}

function orHome(path: string | undefined): string {
  return path === undefined || path === "" ? "." : path;
}

/** False when the source is not there or no place to put it. */
async function copy(call: ToolCall, options: Arguments, transfer: Transfer, source: string, totals: Totals): Promise<boolean> {
  const { from, to, destination } = transfer;
  const found = lstatSync(options.followLinks ? from.machine.host(source) : from.machine.hostLink(source), { throwIfNoEntry: false });
  if (found === undefined) {
    call.err(`rsync: [sender] link_stat "${from.machine.absolute(source)}" failed: No such file or directory (2)\n`);
    return false;
  }
  if (!found.isFile()) {
    call.out(found.isDirectory() ? `skipping directory ${source}\n` : `skipping non-regular file "${basename(source)}"\n`);
    return true;
  }
  const isDirectory = statSync(to.machine.host(destination), { throwIfNoEntry: false })?.isDirectory() === true;
  const target = to.machine.host(isDirectory || destination.endsWith("/") ? join(destination, basename(source)) : destination);
  totals.files += 1;
  totals.bytes += found.size;
  if (isSame(target, found)) return true;
  if (!existsSync(join(target, ".."))) {
    call.err(`rsync: [Receiver] change_dir#3 "${to.machine.absolute(destination)}" failed: No such file or directory (2)\n`);
    return false;
  }
  await call.work(machineMs(call, found.size / bytesPerMs));
  const contents = readFileSync(from.machine.host(source));
  writeFileSync(target, has(call, "corrupt-transfer") ? corrupted(basename(source), contents) : contents);
  chmodSync(target, found.mode & 0o777);
  if (options.times) utimesSync(target, found.mtimeMs / 1000, found.mtimeMs / 1000);
  totals.transferred += 1;
  totals.transferredBytes += found.size;
  return true;
}

/** Same size and same time to the second: not transferred. */
function isSame(target: string, { size, mtimeMs }: { size: number; mtimeMs: number }): boolean {
  const there = statSync(target, { throwIfNoEntry: false });
  return there !== undefined && there.size === size && Math.abs(there.mtimeMs - mtimeMs) < 1;
}

/** A page of the heap is lost, or the position on the stack is another. */
function corrupted(name: string, contents: Buffer): Buffer {
  const middle = contents.length >> 1;
  if (name === "heap.bin") contents.fill(0, middle, middle + 4096);
  if (name.startsWith("stack.bin")) contents.writeUInt8(contents.readUInt8(4) ^ 2, 4);
  return contents;
}

function statistics({ files, transferred, bytes, transferredBytes }: Totals): string {
  const number = (value: number) => value.toLocaleString("en-US");
  return `
Number of files: ${files} (reg: ${files})
Number of created files: ${transferred} (reg: ${transferred})
Number of deleted files: 0
Number of regular files transferred: ${transferred}
Total file size: ${number(bytes)} bytes
Total transferred file size: ${number(transferredBytes)} bytes
Literal data: ${number(transferredBytes)} bytes
Matched data: 0 bytes
File list size: 0
File list generation time: 0.001 seconds
File list transfer time: 0.000 seconds
Total bytes sent: ${number(transferredBytes + 95)}
Total bytes received: ${number(35 * Math.max(1, files))}

sent ${number(transferredBytes + 95)} bytes  received ${number(35 * Math.max(1, files))} bytes  ${number(transferredBytes + 130)}.00 bytes/sec
total size is ${number(bytes)}  speedup is 1.00
`;
}

function parse(argv: readonly string[]): Arguments {
  const paths: string[] = [];
  let shell: readonly string[] = ["ssh"];
  const flags = new Set<string>();
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? "";
    if (word === "-e" || word === "--rsh") shell = (argv[(index += 1)] ?? "").split(/\s+/);
    else if (word.startsWith("--rsh=")) shell = word.slice("--rsh=".length).split(/\s+/);
    else if (word.startsWith("--")) flags.add(word);
    else if (word.startsWith("-") && word !== "-") for (const letter of word.slice(1)) flags.add(`-${letter}`);
    else paths.push(word);
  }
  const any = (...names: readonly string[]) => names.some((name) => flags.has(name));
  return {
    paths,
    shell,
    times: any("-t", "-a", "--times", "--archive"),
    stats: any("--stats"),
    followLinks: any("-L", "--copy-links"),
  };
}
