/**
 * The process that stands behind one job: starts its program, waits for its end, writes the result. It owes nothing to the agent
 * that started it, nor to any connection, and ends with the job.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync, statSync } from "node:fs";
import { sleep, type Clock } from "../../../proto/base/clock.js";
import { errnoOf } from "../file-errors.js";
import type { JobDirectory, JobResult, StoredRequest } from "./job-directory.js";
import { groupRuns, identityOf, signalProcess } from "./process-identity.js";

/** Between SIGTERM and SIGKILL when nobody asked for another time. */
const defaultGraceMs = 5_000;
const pollMs = 20;
/** What is left this long after SIGKILL hangs in the kernel: not worth waiting for. */
const reapMs = 1_000;

type Outcome = Pick<JobResult, "state" | "exitCode" | "signal" | "reason">;

/**
 * Runs the job in `directory` to its end. SIGTERM to this process cancels the job. With `endsWith`, the job is killed without a result
 * when that resolves, as by a power cut. Returns without a deed when the job was claimed before.
 */
export async function superviseJob(directory: JobDirectory, clock: Clock, options?: { endsWith?: Promise<void> }): Promise<void> {
  const cancelled = new Promise<void>((resolve) => process.on("SIGTERM", () => resolve()));
  const request = await directory.readRequest();
  if (request === undefined || !(await directory.claim(identityOf(process.pid)))) return;
  const writeResult = await directory.reserve("result.json");
  const outcome = await runJob(directory, request, clock, cancelled, options?.endsWith ?? new Promise(() => undefined));
  if (outcome !== "powerless") await writeResult({ ...(await withDiskState(directory, outcome)), endedMs: clock.now() });
}

async function runJob(
  directory: JobDirectory,
  request: StoredRequest,
  clock: Clock,
  cancelled: Promise<void>,
  endsWith: Promise<void>,
): Promise<Outcome | "powerless"> {
  const writeStarted = await directory.reserve("started.json");
  const child = startProgram(directory, request);
  const group = await startedOrReason(child, request);
  if (typeof group === "string") return { state: "not-started", reason: group.slice(0, 1000) };
  const ended = exitOf(child);
  await writeStarted({ ...identityOf(group), startedMs: clock.now() });

  const timeout = new Timeout(clock, request.timeoutMs);
  const first = await Promise.race([
    ended,
    timeout.passed.then(() => "timed-out" as const),
    cancelled.then(() => "cancelled" as const),
    endsWith.then(() => "powerless" as const),
  ]);
  timeout.cancel();
  if (typeof first !== "string") return first;
  if (first === "powerless") {
    signalProcess(-group, "SIGKILL");
    return first;
  }
  const graceMs = first === "cancelled" ? ((await directory.readCancel())?.graceMs ?? defaultGraceMs) : defaultGraceMs;
  const signal = await endGroup(group, graceMs, ended, clock);
  return { state: first, signal };
}

/** The program with its own session and process group, its output straight into files: it needs no reader to go on. */
function startProgram(directory: JobDirectory, request: StoredRequest): ChildProcess {
  const [program = "", ...args] = request.argv;
  const path = request.program ?? program;
  const descriptors = [
    openSync(directory.file("stdin"), "r"),
    openSync(directory.file("stdout"), "a", 0o600),
    openSync(directory.file("stderr"), "a", 0o600),
  ];
  try {
    return spawn(path, args, { cwd: request.cwd, env: { ...process.env, ...request.env }, stdio: descriptors, detached: true });
  } finally {
    for (const descriptor of descriptors) closeSync(descriptor);
  }
}

/** The program's process group, or why there is none. */
function startedOrReason(child: ChildProcess, request: StoredRequest): Promise<number | string> {
  return new Promise((resolve) => {
    child.once("spawn", () => resolve(child.pid ?? "no process id"));
    child.once("error", (error) => resolve(reasonNotStarted(request, error)));
  });
}

function reasonNotStarted(request: StoredRequest, error: Error): string {
  const program = request.argv[0] ?? "";
  // The operating system says ENOENT for the directory and for the program alike.
  const directory = statSync(request.cwd, { throwIfNoEntry: false });
  if (directory === undefined) return `working directory ${request.cwd}: there is no such directory`;
  if (!directory.isDirectory()) return `working directory ${request.cwd}: is not a directory`;
  switch (errnoOf(error)) {
    case "ENOENT":
      return program.includes("/") ? `${program}: there is no such program` : `${program}: no such program on the PATH`;
    case "EACCES":
      return `${program}: not allowed to execute it; check its mode`;
    default:
      return `${program}: ${error.message}`;
  }
}

function exitOf(child: ChildProcess): Promise<Outcome> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => {
      if (signal !== null) resolve({ state: "signalled", signal });
      else resolve({ state: "exited", exitCode: code ?? 0 });
    });
  });
}

/** SIGTERM to the whole group, SIGKILL to what is left of it after `graceMs`. The signal that it took. */
async function endGroup(group: number, graceMs: number, ended: Promise<Outcome>, clock: Clock): Promise<NodeJS.Signals> {
  signalProcess(-group, "SIGTERM");
  if (await groupEnds(group, graceMs, clock)) return "SIGTERM";
  signalProcess(-group, "SIGKILL");
  await ended;
  await groupEnds(group, reapMs, clock);
  return "SIGKILL";
}

async function groupEnds(group: number, withinMs: number, clock: Clock): Promise<boolean> {
  const until = clock.monotonicMs() + withinMs;
  while (groupRuns(group)) {
    if (clock.monotonicMs() >= until) return false;
    await sleep(clock, pollMs);
  }
  return true;
}

/** A program whose output had nowhere to go may not even have been able to say why it failed. */
async function withDiskState(directory: JobDirectory, outcome: Outcome): Promise<Outcome> {
  if (outcome.reason !== undefined || (await directory.hasRoom())) return outcome;
  return { ...outcome, reason: `the disk that holds its output (${directory.path}) is full: output may be missing` };
}

class Timeout {
  readonly passed: Promise<void>;
  #cancel: () => void = () => undefined;

  /** `timeoutMs` 0 = never. */
  constructor(clock: Clock, timeoutMs: number) {
    this.passed = new Promise((resolve) => {
      if (timeoutMs === 0) return;
      const timer = clock.after(timeoutMs, resolve);
      this.#cancel = () => timer.cancel();
    });
  }

  cancel(): void {
    this.#cancel();
  }
}
