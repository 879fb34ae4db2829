/**
 * The files of a checkpoint, and the directory a proxy works in (facts: HEXO §3). A proxy believes whatever lies in its directory: a
 * lock makes it wait without a word, an old configuration makes it restore, an old file goes into the next checkpoint's copy.
 */
import type { CommandOutcome, Json, Verdict } from "../../deploy/recipe.js";
import { failed, lastLines, linesOf, notYet } from "./output-lines.js";
import { programNames } from "./pair.js";
import type { Mode } from "./parameters.js";

export interface ListedFile {
  readonly name: string;
  /** As find names it: f, d, l. */
  readonly kind: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/** File systems stamp a file with the last tick of the clock, which is up to this long ago. */
const tickMs = 20;

const always = ["mdata.bin", "fds.bin"];
const onlyFull = ["heap.bin", "bss.bin", "data.bin"];
const perTask = ["stack.bin", "tls.bin"];

export function listing(directory: string): string[] {
  return ["find", directory, "-mindepth", "1", "-maxdepth", "1", "-printf", String.raw`%y %s %T@ %f\n`];
}

export function readListing(stdout: string): ListedFile[] {
  return linesOf(stdout).flatMap((line) => {
    const match = /^(\S) (\d+) (\d+(?:\.\d+)?) (.+)$/.exec(line);
    if (match === null) return [];
    return [{ kind: match[1] ?? "", sizeBytes: Number(match[2]), modifiedMs: Number(match[3]) * 1000, name: match[4] ?? "" }];
  });
}

/**
 * Right before a proxy starts its directory holds the links to the programs, the checkpoint that was copied for it, and nothing else.
 * Puts out when that was, by the machine's clock: whatever is newer is this proxy's work.
 */
export function judgeClean(result: CommandOutcome, directory: string, copied: readonly string[]): Verdict {
  if (result.exitCode !== 0) return failed(`${directory} cannot be listed`, lastLines(result));
  const names = readListing(result.stdout).map(({ name }) => name);
  const expected = [...Object.values(programNames), ...copied];
  const strange = names.filter((name) => !expected.includes(name));
  if (strange.length > 0) return failed(strange.map((name) => `${name} lies in ${directory}: ${whatStrangeMeans(name)}`).join("; "));
  const missing = expected.filter((name) => !names.includes(name));
  if (missing.length > 0) return failed(`${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} not in ${directory}`);
  return { ok: true, outputs: { directory, sinceMs: result.startedMs - tickMs } };
}

function whatStrangeMeans(name: string): string {
  if (name === ".lock") return "a proxy started here would wait for another one, without a word; undeploy, then try again";
  if (name === "checkpoint") return "a proxy started here would restore that old checkpoint instead; undeploy, then try again";
  if (name === ".status" || name === ".memory") return "an earlier proxy has run here; undeploy, then try again";
  return "it is of no checkpoint of this run and would go with the next one; undeploy, then try again";
}

/**
 * A fresh, complete checkpoint: every file newer than `sinceMs`, mdata.bin, which is written last, newest. Puts out the files, which
 * are what will be copied, by name, and nothing else ever.
 */
export function judgeCheckpoint(result: CommandOutcome, mode: Mode, sinceMs: number): Verdict {
  const files = readListing(result.stdout).filter(({ kind, name }) => kind === "f" && /\.bin(?:\.\d+)?$/.test(name));
  const has = (name: string) => files.some((file) => file.name === name);
  const missing = [...always, ...(mode === "checkpoint" ? onlyFull : [])].filter((name) => !has(name));
  missing.push(...perTask.filter((name) => !files.some((file) => file.name.startsWith(`${name}.`))).map((name) => `${name}.TASK`));
  const shown = files.map(describe);
  if (missing.length > 0) return notYet(`the checkpoint is not complete: no ${missing.join(", ")}`, shown);
  const tooMuch = mode === "post-copy" ? onlyFull.filter(has) : [];
  if (tooMuch.length > 0)
    return failed(`${tooMuch.join(", ")} written in post-copy: was the proxy started with HERMIT_FULL_CHKPT_SAVE=0?`, shown);
  const stale = files.filter(({ modifiedMs }) => modifiedMs < sinceMs);
  if (stale.length > 0)
    return failed(
      `${stale.map(({ name }) => name).join(", ")} ${stale.length === 1 ? "is" : "are"} older than the proxy's start: ` +
        "stale files of another run, never to be copied; undeploy, then deploy again",
      shown,
    );
  const mdata = files.find(({ name }) => name === "mdata.bin");
  const later = files.filter(({ modifiedMs }) => modifiedMs > (mdata?.modifiedMs ?? 0));
  if (later.length > 0)
    return failed(
      `mdata.bin, which is written last, is older than ${later.map(({ name }) => name).join(", ")}: the checkpoint is not of one piece; deploy again`,
      shown,
    );
  return {
    ok: true,
    lines: shown,
    outputs: {
      files: Object.fromEntries(files.map(({ name, sizeBytes }) => [name, sizeBytes])),
      bytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    },
  };
}

/** Exactly the files that were sent have arrived, in their sizes. `sent`: what judgeCheckpoint has put out. */
export function judgeArrived(result: CommandOutcome, sent: Readonly<Record<string, number>>): Verdict {
  const found = new Map(readListing(result.stdout).map((file) => [file.name, file]));
  const wrong = Object.entries(sent).flatMap(([name, sizeBytes]) => {
    const seen = found.get(name)?.sizeBytes;
    return seen === sizeBytes ? [] : [seen === undefined ? `${name} is not there` : `${name} has ${seen} bytes, ${sizeBytes} were written`];
  });
  if (wrong.length > 0) return failed(`${wrong.join("; ")}: the copy is not whole; is the disk full?`);
  return { ok: true, lines: Object.entries(sent).map(([name, sizeBytes]) => `${name}: ${sizeBytes} bytes`) };
}

/** `sha256sum FILE…` → name → hash. */
export function readHashes(stdout: string): Record<string, string> {
  return Object.fromEntries(
    linesOf(stdout).flatMap((line) => {
      const match = /^\\?([0-9a-f]{64})[ *]+(.+)$/.exec(line);
      return match === null ? [] : [[(match[2] ?? "").replace(/^.*\//, ""), match[1] ?? ""]];
    }),
  );
}

/** Puts out the hashes as `sha256`; with `expected`, they must be these. `elsewhere`: the machine those were taken on. */
export function judgeHashes(
  result: CommandOutcome,
  names: readonly string[],
  expected?: Readonly<Record<string, string>>,
  elsewhere = "the other machine",
): Verdict {
  const hashes = readHashes(result.stdout);
  const missing = names.filter((name) => hashes[name] === undefined);
  if (names.length === 0 || missing.length > 0)
    return failed(names.length === 0 ? "there is no file to compare" : `no checksum of ${missing.join(", ")}`, lastLines(result));
  const different = expected === undefined ? [] : names.filter((name) => hashes[name] !== expected[name]);
  if (different.length > 0)
    return failed(
      different.map((name) => `${name} is ${short(hashes[name])} here and ${short(expected?.[name])} on ${elsewhere}`).join("; ") +
        ": the copy is not the original; deploy again",
      linesOf(result.stdout),
    );
  return { ok: true, lines: names.map((name) => `${name} sha256 ${hashes[name] ?? ""}`), outputs: { sha256: hashes } };
}

/** What judgeCheckpoint has put out under this step; empty before the run. */
export function checkpointFiles(outputs: Readonly<Record<string, Json>> | undefined): Readonly<Record<string, number>> {
  const files = outputs?.["files"];
  return files === undefined ? {} : (files as Readonly<Record<string, number>>);
}

/** As checkpointFiles, for judgeHashes. */
export function hashesOf(outputs: Readonly<Record<string, Json>> | undefined): Readonly<Record<string, string>> {
  const hashes = outputs?.["sha256"];
  return hashes === undefined ? {} : (hashes as Readonly<Record<string, string>>);
}

function describe({ name, sizeBytes, modifiedMs }: ListedFile): string {
  return `${name} ${sizeBytes} bytes, written ${new Date(modifiedMs).toISOString()}`;
}

function short(hash: string | undefined): string {
  return hash === undefined ? "unknown" : `${hash.slice(0, 12)}…`;
}
