/** The Commands port: a directory and a supervisor process per job; nothing about a job is known only to this process. */
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Commands, Job, JobEvent, JobReading, JobRequest, JobSignal } from "../../ports/command.js";
import { sleep, type Clock } from "../../../proto/base/clock.js";
import { syncDirectory } from "../../../proto/base/durable-file.js";
import { CancelledError, DeadlineError, InvalidArgumentError, NotFoundError } from "../../../proto/base/errors.js";
import type { Logger } from "../../../proto/base/logger.js";
import { errnoOf, fileError } from "../file-errors.js";
import type { RootDirectory } from "../root-directory.js";
import { JobDirectory, type JobResult, type StoredRequest } from "./job-directory.js";
import { signalJob } from "./job-signal.js";
import { signalProcess } from "./process-identity.js";
import { settledResult } from "./settlement.js";

const idPattern = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}$/;
const pollMs = 25;
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
  readonly #starting = new Map<string, Promise<Job>>();

  private constructor(options: HostJobsOptions) {
    this.#options = options;
  }

  /** Opens the jobs there are, those an earlier agent started among them. */
  static async open(options: HostJobsOptions): Promise<HostJobs> {
    const jobs = new HostJobs(options);
    await rm(jobs.#stagingPath, { recursive: true, force: true });
    await mkdir(options.directory, { recursive: true, mode: 0o700 });
    await jobs.#prune();
    return jobs;
  }

  start(request: JobRequest): Promise<Job> {
    const { id } = request;
    const starting = this.#starting.get(id) ?? this.#start(request).finally(() => this.#starting.delete(id));
    this.#starting.set(id, starting);
    return starting;
  }

  async #start(request: JobRequest): Promise<Job> {
    validate(request);
    if (!this.#launching.has(request.id)) await this.#launch(request);
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
        for await (const data of directory.readOutput(stream, offsets[stream])) {
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

  async read(id: string, tailBytes: number): Promise<JobReading> {
    // The state first: what a job that has ended wrote is all there.
    const job = await this.get(id);
    const directory = this.#directory(id);
    const [stdout, stderr] = await Promise.all([directory.readTail("stdout", tailBytes), directory.readTail("stderr", tailBytes)]);
    return { job, stdout, stderr };
  }

  async signal(id: string, signal: JobSignal, key: string): Promise<{ sent: boolean; replayed: boolean }> {
    const look = () => this.get(id);
    await look();
    try {
      return await signalJob(this.#directory(id), { signal, key }, { look, clock: this.#options.clock });
    } catch (error) {
      throw await fileError(`send ${signal} to job ${id}`, this.#options.directory, this.#options.directory, error);
    }
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
    const staged = new JobDirectory(join(this.#stagingPath, `${request.id}.${process.pid}`));
    const cwd = await root.resolve(request.cwd === "" ? "/" : request.cwd);
    const { id, argv, env, timeoutMs } = request;
    const program = await programBelow(root, argv[0] ?? "");
    try {
      await staged.writeRequest({ id, argv, ...program, cwd, env, timeoutMs, createdMs: clock.now(), bootId }, request.stdin);
      await rename(staged.path, directory.path);
      await syncDirectory(this.#options.directory);
      return true;
    } catch (error) {
      await rm(staged.path, { recursive: true, force: true });
      if (errnoOf(error) === "ENOTEMPTY" || errnoOf(error) === "EEXIST") return false;
      throw await fileError(`start job ${id}`, this.#options.directory, this.#options.directory, error);
    }
  }

  /** Starts a supervisor, unless the id is taken: then there is, or was, one. */
  async #launch(request: JobRequest): Promise<void> {
    const directory = this.#directory(request.id);
    // Before others can see the job: that it has no supervisor yet must not look as if it had lost it.
    this.#launching.add(request.id);
    const launched = () => this.#launching.delete(request.id);
    try {
      if (!(await this.#publish(request, directory))) return void launched();
      const supervisor = this.#spawnSupervisor(directory);
      supervisor.once("exit", launched);
      supervisor.once("error", (err) => {
        this.#options.log.error({ err, job: request.id }, "job supervisor did not start");
        launched();
      });
    } catch (error) {
      launched();
      throw error;
    }
    await this.#prune();
  }

  /** Its life is its own: this process may end before it. */
  #spawnSupervisor(directory: JobDirectory): ChildProcess {
    const [program = process.execPath, ...args] = this.#options.supervisor;
    const complaints = openSync(directory.file("supervisor.log"), "a", 0o600);
    try {
      const stdin = this.#options.shareStdin ? "inherit" : "ignore";
      const child = spawn(program, [...args, directory.path], { detached: true, stdio: [stdin, complaints, complaints] });
      child.unref();
      return child;
    } finally {
      closeSync(complaints);
    }
  }

  #settle(directory: JobDirectory, request: StoredRequest): Promise<JobResult | undefined> {
    return settledResult(directory, request, { ...this.#options, launching: this.#launching.has(request.id) });
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

/**
 * A script the machine has at that path, when the machine is a directory of this one. Every other program is this machine's: what else
 * lies there cannot run here.
 */
async function programBelow(root: RootDirectory, program: string): Promise<{ program?: string }> {
  if (root.path === "/" || !program.startsWith("/")) return {};
  const path = await root.resolve(program);
  const beginning = await readFile(path, "latin1").catch(() => "");
  return beginning.startsWith("#!") ? { program: path } : {};
}
