/** The Commands port over a shell on another machine. All that is known about a job is there; nothing is kept here. */
import type { Commands, Job, JobEvent, JobReading, JobRequest, JobSignal } from "../../ports/command.js";
import { sleep, type Clock } from "../../../proto/base/clock.js";
import {
  CancelledError,
  DeadlineError,
  ExhaustedError,
  FailedError,
  InvalidArgumentError,
  NotFoundError,
  UnreachableError,
  UnsupportedError,
} from "../../../proto/base/errors.js";
import { ask, type TalkEnd } from "../shell/conversation.js";
import type { Shell } from "../shell/shell.js";
import { parseReports, type JobReport } from "./job-report.js";
import { cancelScript, jobFiles, listScript, lookScript, signalScript, startScript } from "./job-scripts.js";

const idPattern = /^(?!\.)[A-Za-z0-9._-]{1,100}$/;
const chunkBytes = 256 * 1024;
/** Between two looks: soon after something has come, then less and less often. */
const firstPollMs = 50;
const lastPollMs = 1_000;
/** For a supervisor to end the group and write the result, beyond the grace time. */
const cancelSlackMs = 15_000;
/** How long whoever follows a job waits for the machine to be reached again. */
const patienceMs = 60_000;

export interface SshJobsOptions {
  readonly shell: Shell;
  readonly clock: Clock;
  /** How many jobs are kept, newest first; running ones always are. */
  readonly keep: number;
}

interface Offsets {
  stdoutOffset: number;
  stderrOffset: number;
}

export class SshJobs implements Commands {
  readonly #options: SshJobsOptions;

  constructor(options: SshJobsOptions) {
    this.#options = options;
  }

  async start(request: JobRequest): Promise<Job> {
    validate(request);
    const files = jobFiles(request);
    const parts = [Buffer.from(files.request), Buffer.from(files.run), request.stdin];
    const [wanted, run, stdin] = parts.map((part) => part.length) as [number, number, number];
    const script = startScript(request.id, { request: wanted, run, stdin }, this.#options.keep);
    const answer = await this.#ask(script, `job ${request.id} to be started`, { input: Buffer.concat(parts) });
    if (answer.code !== 0) throw this.#notStored(request.id, answer);
    const [report] = parseReports(answer.stdout);
    if (report === undefined) throw new FailedError(`${this.#options.shell.label}: job ${request.id}: is not there after its start`);
    return report.job;
  }

  async *follow(id: string, from: Offsets, options?: { signal?: AbortSignal | undefined }): AsyncIterable<JobEvent> {
    const { clock } = this.#options;
    const next: Offsets = { ...from };
    for (let pauseMs = firstPollMs; ; ) {
      const { job, stdout, stderr } = await this.#lookPatiently(id, next, options);
      if (options?.signal?.aborted) throw CancelledError.from(options.signal);
      if (stdout.length > 0) yield { kind: "stdout", offset: next.stdoutOffset, data: stdout };
      if (stderr.length > 0) yield { kind: "stderr", offset: next.stderrOffset, data: stderr };
      next.stdoutOffset += stdout.length;
      next.stderrOffset += stderr.length;
      if (job.state !== "running" && next.stdoutOffset >= job.stdoutBytes && next.stderrOffset >= job.stderrBytes) {
        yield { kind: "ended", job };
        return;
      }
      if (stdout.length + stderr.length > 0) pauseMs = firstPollMs;
      else {
        await sleep(clock, pauseMs, options);
        pauseMs = Math.min(pauseMs * 1.5, lastPollMs);
      }
    }
  }

  async get(id: string): Promise<Job> {
    return (await this.#look(id, { stdoutOffset: 0, stderrOffset: 0 }, 0)).job;
  }

  async list(): Promise<readonly Job[]> {
    const { stdout } = await this.#ask(listScript(), "the list of jobs");
    return parseReports(stdout)
      .sort((a, b) => b.createdMs - a.createdMs || (a.job.id < b.job.id ? 1 : -1))
      .map(({ job }) => job);
  }

  async cancel(id: string, graceMs: number): Promise<Job> {
    const { clock, shell } = this.#options;
    const began = clock.monotonicMs();
    for (let pauseMs = firstPollMs; ; pauseMs = Math.min(pauseMs * 1.5, lastPollMs)) {
      const job = await this.get(id);
      if (job.state !== "running") return job;
      const waitedMs = clock.monotonicMs() - began;
      if (waitedMs > graceMs + cancelSlackMs) {
        const lastSeen = `process group ${job.pid ?? "unknown"} running`;
        throw new DeadlineError({ subject: `${shell.label}: job ${id}`, awaited: "its end after SIGKILL", waitedMs, lastSeen });
      }
      await this.#ask(cancelScript(id, graceMs), `job ${id} to be asked to end`);
      await sleep(clock, pauseMs);
    }
  }

  async read(id: string, tailBytes: number): Promise<JobReading> {
    for (let job = await this.get(id); ; ) {
      const from = { stdoutOffset: Math.max(0, job.stdoutBytes - tailBytes), stderrOffset: Math.max(0, job.stderrBytes - tailBytes) };
      const report = await this.#look(id, from, tailBytes);
      // A program that prints much has printed more meanwhile; of one that has ended, nothing may be missing.
      const complete = report.job.stdoutBytes === job.stdoutBytes && report.job.stderrBytes === job.stderrBytes;
      if (complete || report.job.state === "running") return report;
      job = report.job;
    }
  }

  async signal(id: string, signal: JobSignal, key: string): Promise<{ sent: boolean; replayed: boolean }> {
    const { clock, shell } = this.#options;
    const began = clock.monotonicMs();
    for (;;) {
      if (!idPattern.test(id)) throw this.#notFound(id);
      const { stdout, stderr, code } = await this.#ask(signalScript(id, signal, key), `${signal} to job ${id}`);
      const word = stdout.toString().trim();
      if (code !== 0) throw new FailedError(`${shell.label}: ${signal} to job ${id}: ${stderr}`);
      if (word === "") throw this.#notFound(id);
      if (word !== "early") return { sent: word !== "gone", replayed: word === "replayed" };
      const waitedMs = clock.monotonicMs() - began;
      if (waitedMs > cancelSlackMs) throw new DeadlineError({ subject: `${shell.label}: job ${id}`, awaited: "its process", waitedMs });
      await sleep(clock, firstPollMs);
    }
  }

  /** A connection that is lost is waited for: the output goes on where it stopped. */
  async #lookPatiently(id: string, from: Offsets, options?: { signal?: AbortSignal | undefined }): Promise<JobReport> {
    const { clock } = this.#options;
    const began = clock.monotonicMs();
    for (;;) {
      try {
        return await this.#look(id, from, chunkBytes, options);
      } catch (error) {
        const transient = error instanceof UnreachableError || error instanceof DeadlineError;
        if (!transient || clock.monotonicMs() - began > patienceMs) throw error;
      }
      await sleep(clock, firstPollMs, options);
    }
  }

  async #look(id: string, from: Offsets, limit: number, options?: { signal?: AbortSignal | undefined }): Promise<JobReport> {
    if (!idPattern.test(id)) throw this.#notFound(id);
    const { stdout } = await this.#ask(lookScript(id, from, limit), `what is known of job ${id}`, options);
    const [report] = parseReports(stdout);
    if (report === undefined) throw this.#notFound(id);
    return report;
  }

  #ask(script: string, awaited: string, more: { input?: Uint8Array; signal?: AbortSignal | undefined } = {}) {
    return ask(this.#options.shell, this.#options.clock, script, { awaited, ...more });
  }

  #notFound(id: string): NotFoundError {
    const message = `${this.#options.shell.label}: job ${id}: there is no such job; it may have been the oldest and was dropped`;
    return new NotFoundError(message, { facts: { job: id } });
  }

  #notStored(id: string, { code, stderr }: TalkEnd): Error {
    const what = `${this.#options.shell.label}: start job ${id}`;
    if (code === 69)
      return new UnsupportedError(
        `${what}: there is no setsid on the machine, and without it a job cannot outlive a connection; install it (util-linux or busybox)`,
      );
    if (code === 75) return new UnreachableError(`${what}: the request was cut off on its way; nothing was started`);
    if (/No space left|quota exceeded/i.test(stderr))
      return new ExhaustedError(`${what}: the disk is full; free some space below ~/.labd there`);
    return new FailedError(`${what}: the request cannot be stored below ~/.labd: ${stderr || `exit code ${code}`}`);
  }
}

function validate(request: JobRequest): void {
  if (!idPattern.test(request.id)) {
    throw new InvalidArgumentError(`job ${JSON.stringify(request.id)}: an id is 1 to 100 letters, digits, dots, dashes or underscores`);
  }
  if (request.argv[0] === undefined || request.argv[0] === "") {
    throw new InvalidArgumentError(`job ${request.id}: argv is empty; name a program`, { facts: { job: request.id } });
  }
}
