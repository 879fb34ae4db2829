/**
 * What dump and restore leave, judged (facts: PhOS §3). Both end with 0 when they have failed, and pos_cli waits for ever for a
 * daemon that is not there: it always runs under `timeout`, whose 124 and 137 say so.
 */
import type { CommandOutcome, JobSeen, Verdict } from "../../deploy/recipe.js";
import { linesOf } from "./design.js";
import type { Sample } from "./samples.js";

/** SIGTERM after the limit, SIGKILL ten seconds later. */
export function timed(limitS: number, argv: readonly string[]): readonly string[] {
  return ["timeout", "-k", "10", String(limitS), ...argv];
}

const complaints = [/\bdump failed\b/, /\brestore failed\b/, /\bError \(/, /POS_ERROR/, /failed to execute CRIU/, /Dirty tracking is OFF/];

function complaintsIn(lines: readonly string[]): string[] {
  return lines.filter((line) => complaints.some((pattern) => pattern.test(line)));
}

/** `pos_cli --dump`: its last line counts. Puts out `dumpMs` and `dumpedMs`, when it was done. */
export function judgeDump(result: CommandOutcome, limitS: number): Verdict {
  const lines = linesOf(`${result.stdout}\n${result.stderr}`);
  if (isTimedOut(result)) return noAnswer("dump", limitS, lines);
  const wrong = complaintsIn(lines);
  if (wrong.length > 0) return failed(`dump failed, though pos_cli ended with ${String(result.exitCode)}: ${wrong[0] ?? ""}`, wrong);
  const done = lines.find((line) => /\bdump done\b/.test(line));
  if (done === undefined) return failed(`pos_cli ended with ${String(result.exitCode)} without saying "dump done"`, lines.slice(-5));
  const dumpedMs = result.endedMs ?? result.startedMs;
  return { ok: true, lines: [done], outputs: { dumpMs: dumpedMs - result.startedMs, dumpedMs } };
}

/** `pgrep -fa "pos_cli --…"`: there can be only one that checkpoints at a time; the one that holds the daemon is none of them. */
export function judgeNoClient({ exitCode, stdout, stderr }: CommandOutcome): Verdict {
  if (isDockers({ exitCode, stderr })) return { ok: false, reason: "the container does not answer" };
  const lines = linesOf(stdout);
  return lines.length === 0
    ? { ok: true, lines: ["none"] }
    : { ok: false, reason: `another pos_cli is at work, and there can be only one: ${lines[0] ?? ""}`, lines };
}

/** `ps -o stat= -p PID`: a program that was dumped is gone. */
export function judgeProcessGone({ exitCode, stdout, stderr }: CommandOutcome, pid: number): Verdict {
  if (isDockers({ exitCode, stderr })) return { ok: false, reason: "the container does not answer" };
  const [state] = linesOf(stdout);
  if (state === undefined || state.trim().startsWith("Z")) return { ok: true, lines: [`no process ${pid}`] };
  return { ok: false, reason: `process ${pid} still runs: nothing was dumped that could be restored`, lines: [state] };
}

/** `ps -o stat= -p PID`: a program that runs or was restored. */
export function judgeProcessAlive({ exitCode, stdout }: CommandOutcome, pid: number): Verdict {
  const [state = ""] = linesOf(stdout);
  if (exitCode === 0 && state.trim() !== "" && !state.trim().startsWith("Z"))
    return { ok: true, lines: [`process ${pid} ${state.trim()}`] };
  return { ok: false, reason: `there is no process ${pid}` };
}

/**
 * Docker itself has failed, and nothing was asked inside: 125 to 127, or 1 with the daemon's complaint. Without this the silence of a
 * container that is down would be taken for the absence of what was looked for.
 */
export function isDockers({ exitCode, stderr }: Pick<CommandOutcome, "exitCode" | "stderr">): boolean {
  if (exitCode === undefined || (exitCode >= 125 && exitCode <= 127)) return true;
  return /Error response from daemon|Cannot connect to the Docker daemon|No such container/.test(stderr);
}

/** `find . -type f -printf "%s %P\n"` in the directory of a dump. Puts out `bytes` and `files`. */
export function judgeImage({ exitCode, stdout }: CommandOutcome): Verdict {
  const files = linesOf(stdout).map((line) => ({ name: line.slice(line.indexOf(" ") + 1), bytes: Number.parseInt(line, 10) }));
  if (exitCode !== 0) return failed("the directory of the dump cannot be read");
  const has = (pattern: RegExp) => files.some(({ name, bytes }) => pattern.test(name) && bytes > 0);
  const missing = [
    ...(has(/^inventory\.img$/) ? [] : ["inventory.img"]),
    ...(has(/^pages-.*\.img$/) ? [] : ["pages-*.img"]),
    ...(files.some(({ name, bytes }) => isGpuFile(name) && bytes > 0) ? [] : ["files of the GPU"]),
  ];
  if (missing.length > 0)
    return failed(`the image is not whole; not there: ${missing.join(", ")}`, files.map(({ name }) => name).slice(0, 12));
  const bytes = files.reduce((sum, each) => sum + each.bytes, 0);
  const gpu = files.filter(({ name }) => isGpuFile(name)).length;
  return { ok: true, lines: [`${files.length} files, ${bytes} bytes, ${gpu} of them of the GPU`], outputs: { bytes, files: files.length } };
}

/** Everything that is not CRIU's. */
function isGpuFile(name: string): boolean {
  return !/\.img$|^stats-|\.log$|^(?:.*\/)?core-/.test(name);
}

/** `find . -type f -exec sha256sum {} +`: puts out `sha256`, "HASH NAME" each, sorted. */
export function judgeHashes({ exitCode, stdout }: CommandOutcome): Verdict {
  const sha256 = hashesIn(stdout);
  if (exitCode !== 0 || sha256.length === 0) return failed("the image cannot be read");
  return { ok: true, lines: [`${sha256.length} files hashed`], outputs: { sha256 } };
}

/** The same of the copy: every file, every hash. */
export function judgeCopy(result: CommandOutcome, wanted: readonly string[]): Verdict {
  const copied = new Set(hashesIn(result.stdout));
  const missing = wanted.filter((line) => !copied.has(line));
  if (result.exitCode !== 0 || missing.length > 0 || copied.size !== wanted.length)
    return failed("the copy is not the image: files are missing or differ", missing.slice(0, 5));
  return { ok: true, lines: [`${wanted.length} files, equal SHA-256`] };
}

function hashesIn(stdout: string): string[] {
  return linesOf(stdout)
    .filter((line) => /^[0-9a-f]{64} /.test(line))
    .sort();
}

/** `findmnt -rn -t tmpfs -o TARGET`: what dumps have mounted below `directory`. Puts out `mounts`. */
export function tmpfsBelow({ stdout }: Pick<CommandOutcome, "stdout">, directory: string): string[] {
  return linesOf(stdout)
    .map((line) => line.trim())
    .filter((target) => target === directory || target.startsWith(`${directory}/`));
}

export function judgeUnmounted(result: CommandOutcome, directory: string): Verdict {
  if (isDockers(result)) return { ok: false, reason: "the container does not answer" };
  const left = tmpfsBelow(result, directory);
  return left.length === 0
    ? { ok: true, lines: [`no tmpfs below ${directory}`] }
    : { ok: false, reason: `still mounted: ${left.join(", ")}` };
}

/**
 * The job of `pos_cli --restore`. CRIU may stay in the foreground until the restored program ends, and pos_cli with it: then it has
 * printed its statistics, and "restore done" comes last of all. Puts out `restoreMs` once it is known.
 */
export function judgeRestore(job: JobSeen, limitS: number): Verdict {
  const lines = linesOf(`${job.stdout}\n${job.stderr}`);
  const wrong = complaintsIn(lines);
  if (wrong.length > 0) return failed(`restore failed: ${wrong[0] ?? ""}`, wrong);
  const done = lines.find((line) => /\brestore done\b/.test(line));
  const stats = lines.map((line) => /\bRestore time:\s*(\d+) us/.exec(line)).find((match) => match !== null);
  const ms = job.endedMs === undefined ? undefined : job.endedMs - job.startedMs;
  const restoreMs = stats === undefined || stats === null ? ms : Math.round(Number(stats[1]) / 1000);
  const outputs = restoreMs === undefined ? {} : { restoreMs };
  if (done !== undefined) return { ok: true, lines: [done], outputs };
  if (isTimedOut(job)) return noAnswer("restore", limitS, lines);
  if (job.state !== "running") return failed(`pos_cli ended with ${String(job.exitCode)} without saying "restore done"`, lines.slice(-5));
  if (stats !== undefined && stats !== null)
    return { ok: true, lines: [stats[0], "CRIU has restored and waits for the program in the foreground"], outputs };
  return {
    ok: false,
    reason: 'pos_cli has not said "restore done"; it waits without limit when the daemon is down or hangs',
    lines: lines.slice(-5),
  };
}

/**
 * What the sample has written since it was dumped at `dumpedAt`. Only numbers beyond it are a continuation; one that is not means it
 * began again. Puts out `resumedAt`, `reached` and `seenMs`.
 */
export function judgeContinues(result: CommandOutcome, sample: Sample, dumpedAt: number): Verdict {
  const first = sample.first(result.stdout);
  const last = sample.last(result.stdout);
  if (first === undefined || last === undefined) return { ok: false, reason: `nothing printed since ${sample.unit} ${dumpedAt}` };
  const offset = sample.unit === "character" ? dumpedAt : 0;
  const lines = linesOf(result.stdout).slice(0, 2);
  if (first + offset <= dumpedAt)
    return failed(`it went on at ${sample.unit} ${first}, it was dumped at ${dumpedAt}: this is not the program that was dumped`, lines);
  return { ok: true, lines, outputs: { resumedAt: first + offset, reached: last + offset, seenMs: result.startedMs } };
}

/** What the sample has written: puts out `at`, how far it is, and `seenMs`. */
export function judgeProgress(result: CommandOutcome, sample: Sample): Verdict {
  const at = sample.last(result.stdout);
  if (at === undefined) return { ok: false, reason: `no ${sample.unit} printed yet`, lines: linesOf(result.stdout).slice(-3) };
  return { ok: true, lines: linesOf(result.stdout).slice(-1), outputs: { at, seenMs: result.startedMs } };
}

function isTimedOut({ state, exitCode }: Pick<CommandOutcome, "state" | "exitCode">): boolean {
  return state === "timed-out" || exitCode === 124 || exitCode === 137;
}

function noAnswer(what: string, limitS: number, lines: readonly string[]): Verdict {
  return failed(
    `${what} gave no answer within ${limitS} s: pos_cli has no time limit of its own, so the daemon is down or hangs`,
    lines.slice(-5),
  );
}

function failed(reason: string, lines: readonly string[] = []): Verdict {
  return { ok: false, final: true, reason, lines };
}
