/** Jobs of a fake node that outlive who started them: a test says what each prints, how it takes signals and when it ends. */
import type { Clock } from "../../../proto/base/clock.js";
import { NotFoundError } from "../../../proto/base/errors.js";
import type { CommandRequest, Fence, JobReading, NodeHandle } from "../../../controller/ports.js";

export class FakeStartedJob {
  readonly request: CommandRequest;
  /** What reached it, in order. */
  readonly signals: string[] = [];
  /** How it takes a signal; the default does nothing. */
  onSignal: (signal: string) => void = () => {};
  reading: JobReading;
  readonly #clock: Clock;

  constructor(request: CommandRequest, pid: number, clock: Clock) {
    this.request = request;
    this.#clock = clock;
    const open = { exitCode: undefined, signal: undefined, reason: undefined, endedMs: undefined };
    this.reading = { state: "running", ...open, stdout: "", stderr: "", startedMs: clock.now(), pid };
  }

  print(...lines: readonly string[]): void {
    this.reading = { ...this.reading, stdout: this.reading.stdout + lines.map((line) => `${line}\n`).join("") };
  }

  exit(exitCode: number): void {
    this.finish({ state: "exited", exitCode });
  }

  finish(end: Partial<JobReading>): void {
    if (this.reading.state === "running") this.reading = { ...this.reading, ...end, endedMs: this.#clock.now() };
  }
}

export interface FakeStartedJobsOptions {
  readonly clock: Clock;
  /** Throws what a node without agent, or with a newer lease, throws. `what` is written down as done. */
  readonly act: (fence: Fence, what: string) => void;
  readonly check: (fence: Fence | undefined) => void;
}

export class FakeStartedJobs {
  readonly started = new Map<string, FakeStartedJob>();
  /** Plays a job when it starts; the default leaves it running. */
  play: (job: FakeStartedJob) => void = () => {};
  readonly #options: FakeStartedJobsOptions;
  readonly #keys = new Set<string>();

  constructor(options: FakeStartedJobsOptions) {
    this.#options = options;
  }

  /** The only job whose program is called so, or the newest of them. Throws when there is none. */
  of(program: string): FakeStartedJob {
    const job = [...this.started.values()].reverse().find(({ request }) => request.argv[0] === program);
    if (job === undefined) throw new Error(`no job runs ${program}`);
    return job;
  }

  readonly handle: NodeHandle["jobs"] = {
    start: async (request, { fence }) => {
      this.#options.check(fence);
      const present = this.started.get(request.jobId);
      if (present !== undefined) return present.reading;
      this.#options.act(fence, `start ${request.argv.join(" ")}`);
      const job = new FakeStartedJob(request, 100 + this.started.size, this.#options.clock);
      this.started.set(request.jobId, job);
      this.play(job);
      return job.reading;
    },
    read: async (jobId) => {
      this.#options.check(undefined);
      return this.started.get(jobId)?.reading;
    },
    signal: async (jobId, signal, { fence, key }) => {
      this.#options.check(fence);
      if (this.#keys.has(key)) return true;
      const job = this.started.get(jobId);
      if (job === undefined) throw new NotFoundError(`job ${jobId}: there is no such job`);
      if (job.reading.state !== "running") return false;
      this.#keys.add(key);
      this.#options.act(fence, `signal ${signal} ${job.request.argv[0] ?? ""}`);
      job.signals.push(signal);
      job.onSignal(signal);
      return true;
    },
    end: async (jobId, { fence }) => {
      this.#options.check(fence);
      const job = this.started.get(jobId);
      if (job?.reading.state === "running") this.#options.act(fence, `end ${job.request.argv[0] ?? ""}`);
      job?.finish({ state: "cancelled", signal: "SIGTERM" });
      return job !== undefined;
    },
  };
}
