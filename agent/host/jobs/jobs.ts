/** The Commands port: a directory and a supervisor process per job; nothing about a job is known only to this process. */
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Commands, Job, JobEvent, JobRequest } from "../../ports/command.js";
import { sleep, type Clock } from "../../../proto/base/clock.js";
import { syncDirectory } from "../../../proto/base/durable-file.js";
import { CancelledError, DeadlineError, InvalidArgumentError, NotFoundError } from "../../../proto/base/errors.js";
import type { Logger } from "../../../proto/base/logger.js";
import { errnoOf, fileError } from "../file-errors.js";
import type { RootDirectory } from "../root-directory.js";
import { JobDirectory, type JobResult, type OutputStream, type StoredRequest } from "./job-directory.js";
import { identityOf, isAlive, signalProcess } from "./process-identity.js";

const idPattern = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}$/;
const pollMs = 25;
const chunkBytes = 64 * 1024;
/** For a supervisor to come up, end the group and write the result, beyond the grace time. */
const cancelSlackMs = 15_000;

export interface HostJobsOptions {
  /** Directory of all jobs; made when missing. */
  readonly directory: string;
  readonly root: RootDirectory;
  readonly clock: Clock;
  readonly log: Logger;
  /** Program that supervises a job; the job's directory is appended. */
  readonly supervisor: readonly string[];
  /** Boot id of the machine now: a job of another boot is lost. */
  readonly bootId: string;
  /** How many jobs are kept, newest first; running ones always are. */
  readonly keep: number;
  /** Hand this process's standard input on to supervisors: they and their jobs die with whoever holds its other end. */
  readonly shareStdin: boolean;
}

export class HostJobs implements Commands {
  readonly #options: HostJobsOptions;
  /** Supervisors this process started that may not have claimed their job yet. */
  readonly #launching = new Set<string>();

  private constructor(options: HostJobsOptions) {
    this.#options = options;
  }

  /** Opens the jobs there are; those left by an agent or machine that went down are found, or settled as lost. */
  static async open(options: HostJobsOptions): Promise<HostJobs> {
    const jobs = new HostJobs(options);
    await rm(jobs.#stagingPath, { recursive: true, force: true });
    await mkdir(options.directory, { recursive: true, mode: 0o700 });
    await jobs.#prune();
    return jobs;
  }

  async start(request: JobRequest): Promise<Job> {
    validate(request);
    const directory = this.#directory(request.id);
    if (await this.#publish(request, directory)) {
      this.#launch(request.id, directory);
      await this.#prune();
    }
    return this.get(request.id);
  }

  async *follow(
    id: string,
    from: { stdoutOffset: number; stderrOffset: number },
    options?: { signal?: AbortSignal | undefined },
  ): AsyncIterable<JobEvent> {
    const directory = this.#directory(id);
    const offsets = { stdout: from.stdoutOffset, stderr: from.stderrOffset };
    for (;;) {
      // The state first: whatever was written before the end is then found by the reads that follow.
      const job = await this.get(id);
      const before = offsets.stdout + offsets.stderr;
      if (options?.signal?.aborted) throw CancelledError.from(options.signal);
      for (const stream of ["stdout", "stderr"] as const) {
        for await (const data of readFrom(directory, stream, offsets[stream])) {
          yield { kind: stream, offset: offsets[stream], data };
          offsets[stream] += data.length;
        }
      }
      if (job.state !== "running") {
        yield { kind: "ended", job };
        return;
      }
      if (offsets.stdout + offsets.stderr === before) await sleep(this.#options.clock, pollMs, options);
    }
  }

  async get(id: string): Promise<Job> {
    const directory = this.#directory(id);
    const request = idPattern.test(id) ? await directory.readRequest() : undefined;
    if (request === undefined)
      throw new NotFoundError(`job ${id}: there is no such job; it may have been the oldest and was dropped`, { facts: { job: id } });
    const result = await this.#settle(directory, request);
    const started = await directory.readStarted();
    const [stdoutBytes, stderrBytes] = await Promise.all([directory.outputBytes("stdout"), directory.outputBytes("stderr")]);
    return {
      id,
      argv: request.argv,
      state: "running",
      startedMs: started?.startedMs ?? request.createdMs,
      stdoutBytes,
      stderrBytes,
      ...(started === undefined ? {} : { pid: started.pid }),
      ...result,
    };
  }

  async list(): Promise<readonly Job[]> {
    const requests = await this.#requests();
    const jobs = await Promise.all(requests.map((request) => this.get(request.id).catch(() => undefined)));
    return jobs.filter((job) => job !== undefined);
  }

  async cancel(id: string, graceMs: number): Promise<Job> {
    const directory = this.#directory(id);
    const { clock, log } = this.#options;
    const began = clock.monotonicMs();
    let asked = false;
    for (;;) {
      const job = await this.get(id);
      if (job.state !== "running") return job;
      const claim = await directory.readClaim();
      // A claim of our own is a job being settled, not a supervisor.
      if (!asked && claim !== undefined && claim.pid !== process.pid) {
        // A full disk must not keep a job from being ended: it then gets the usual grace time.
        await directory.writeCancel({ graceMs }).catch((err: unknown) => log.warn({ err, job: id }, "grace time not stored"));
        signalProcess(claim.pid, "SIGTERM");
        asked = true;
      }
      const waitedMs = clock.monotonicMs() - began;
      if (waitedMs > graceMs + cancelSlackMs) {
        throw new DeadlineError({
          subject: `job ${id}`,
          awaited: "its end after SIGKILL",
          waitedMs,
          lastSeen: `process group ${job.pid ?? "unknown"} running`,
        });
      }
      await sleep(clock, pollMs);
    }
  }

  /** Puts a request under its id, complete and durable. False when the id is taken. Throws ExhaustedError when the disk is full. */
  async #publish(request: JobRequest, directory: JobDirectory): Promise<boolean> {
    const { root, clock, bootId } = this.#options;
    const staged = new JobDirectory(join(this.#stagingPath, `${request.id}.${identityOf(process.pid).pid}.${clock.monotonicMs()}`));
    const cwd = await root.resolve(request.cwd === "" ? "/" : request.cwd);
    const { id, argv, env, timeoutMs } = request;
    try {
      await staged.writeRequest({ id, argv, cwd, env, timeoutMs, createdMs: clock.now(), bootId }, request.stdin);
      await rename(staged.path, directory.path);
      await syncDirectory(this.#options.directory);
      return true;
    } catch (error) {
      await rm(staged.path, { recursive: true, force: true });
      if (errnoOf(error) === "ENOTEMPTY" || errnoOf(error) === "EEXIST") return false;
      throw await fileError(`start job ${id}`, this.#options.directory, this.#options.directory, error);
    }
  }

  #launch(id: string, directory: JobDirectory): void {
    const { supervisor, shareStdin, log } = this.#options;
    const [program = process.execPath, ...args] = supervisor;
    const complaints = openSync(directory.file("supervisor.log"), "a", 0o600);
    const child = spawn(program, [...args, directory.path], {
      detached: true,
      stdio: [shareStdin ? "inherit" : "ignore", complaints, complaints],
    });
    closeSync(complaints);
    this.#launching.add(id);
    child.once("exit", () => this.#launching.delete(id));
    child.once("error", (err) => {
      log.error({ err, job: id }, "job supervisor did not start");
      this.#launching.delete(id);
    });
    // The supervisor's life is its own: this process may end before it.
    child.unref();
  }

  /** The job's result; undefined while it runs. A job nobody stands behind any more gets one here. */
  async #settle(directory: JobDirectory, request: StoredRequest): Promise<JobResult | undefined> {
    const written = await directory.readResult();
    if (written !== undefined) return written;
    const launching = this.#launching.has(request.id);
    const claim = await directory.readClaim();
    const sameBoot = request.bootId === this.#options.bootId;
    if (sameBoot && claim !== undefined && isAlive(claim)) return undefined;
    if (claim === undefined) {
      // A supervisor of this process, or of one that died a moment ago, may still be on its way: the claim decides.
      if (launching || !(await directory.claim(identityOf(process.pid)))) return undefined;
      return this.#conclude(directory, request, { state: "not-started", reason: "its supervisor ended before it could start the program" });
    }
    // It may have written its result and ended since the first look.
    const late = await directory.readResult();
    if (late !== undefined) return late;
    const started = await directory.readStarted();
    if (sameBoot && started !== undefined && isAlive(started)) signalProcess(-started.pid, "SIGKILL");
    const complaint = await directory.lastComplaint();
    const reason = sameBoot
      ? `its supervisor (process ${claim.pid}) ended without a result${complaint === "" ? "" : `: ${complaint}`}`
      : `the machine went down under it (boot ${request.bootId}, now ${this.#options.bootId})`;
    return this.#conclude(directory, request, { state: "lost", reason });
  }

  async #conclude(directory: JobDirectory, request: StoredRequest, outcome: Pick<JobResult, "state" | "reason">): Promise<JobResult> {
    const result = { ...outcome, endedMs: this.#options.clock.now() };
    this.#options.log.warn({ job: request.id, argv0: request.argv[0], reason: outcome.reason }, "job settled without its supervisor");
    await directory.writeResult(result);
    return result;
  }

  /** Requests of all jobs, newest first. */
  async #requests(): Promise<readonly StoredRequest[]> {
    const names = await readdir(this.#options.directory);
    const requests = await Promise.all(
      names.map((name) =>
        this.#directory(name)
          .readRequest()
          .catch(() => undefined),
      ),
    );
    return requests.filter((request) => request !== undefined).sort((a, b) => b.createdMs - a.createdMs || (a.id < b.id ? 1 : -1));
  }

  async #prune(): Promise<void> {
    for (const request of (await this.#requests()).slice(this.#options.keep)) {
      const directory = this.#directory(request.id);
      if ((await this.#settle(directory, request)) === undefined) continue;
      await rm(directory.path, { recursive: true, force: true });
    }
  }

  #directory(id: string): JobDirectory {
    return new JobDirectory(join(this.#options.directory, id));
  }

  get #stagingPath(): string {
    return `${this.#options.directory}.new`;
  }
}

function validate(request: JobRequest): void {
  if (!idPattern.test(request.id)) {
    throw new InvalidArgumentError(`job ${JSON.stringify(request.id)}: an id is 1 to 100 letters, digits, dots, dashes or underscores`);
  }
  if (request.argv[0] === undefined || request.argv[0] === "") {
    throw new InvalidArgumentError(`job ${request.id}: argv is empty; name a program`, { facts: { job: request.id } });
  }
  if ([...request.argv, ...Object.values(request.env)].some((each) => each.includes("\0"))) {
    throw new InvalidArgumentError(`job ${request.id}: arguments and variables cannot hold a zero byte`, { facts: { job: request.id } });
  }
}

/** What an output file holds now from `offset` on. What comes while it is read waits for the next look. */
async function* readFrom(directory: JobDirectory, stream: OutputStream, offset: number): AsyncGenerator<Uint8Array> {
  const end = await directory.outputBytes(stream);
  if (end <= offset) return;
  const handle = await open(directory.file(stream), "r");
  try {
    for (let position = offset; position < end; ) {
      const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, end - position));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
      position += bytesRead;
    }
  } finally {
    await handle.close();
  }
}
