/** Jobs without processes: a test says what each program prints and when it ends. */
import { NotFoundError } from "../../../proto/base/errors.js";
import type { CommandServiceService, Job, JobEvent, StartJobRequest } from "../../../proto/gen/lab/v1/command.js";
import type { Implementation } from "../../../proto/rpc/service.js";

type Stream = "stdout" | "stderr";

export class FakeJob {
  readonly request: StartJobRequest;
  readonly output: Record<Stream, Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
  end: Pick<Job, "state" | "exitCode" | "signal" | "reason"> | undefined;
  /** Signals sent to it, in order; each key once. */
  readonly signals: string[] = [];
  readonly keys = new Set<string>();
  /** Set to 0 by `play`: its process is not there yet. */
  pid = 1;
  readonly #waiting = new Set<() => void>();

  constructor(request: StartJobRequest) {
    this.request = request;
  }

  print(text: string, stream: Stream = "stdout"): void {
    this.output[stream] = Buffer.concat([this.output[stream], Buffer.from(text)]);
    this.#wake();
  }

  exit(exitCode: number): void {
    this.finish({ state: "exited", exitCode });
  }

  finish(end: { state: string; exitCode?: number; signal?: string; reason?: string }): void {
    this.end ??= { exitCode: 0, signal: "", reason: "", ...end };
    this.#wake();
  }

  view(): Job {
    const { jobId, argv } = this.request;
    const end = this.end ?? { state: "running", exitCode: 0, signal: "", reason: "" };
    const [stdoutBytes, stderrBytes] = [BigInt(this.output.stdout.length), BigInt(this.output.stderr.length)];
    return { jobId, argv, ...end, startedMs: 1n, endedMs: 2n, stdoutBytes, stderrBytes, pid: this.pid };
  }

  async *follow(from: Record<Stream, number>, signal: AbortSignal): AsyncGenerator<JobEvent> {
    const at = { ...from };
    while (!signal.aborted) {
      for (const stream of ["stdout", "stderr"] as const) {
        const data = this.output[stream].subarray(at[stream]);
        if (data.length === 0) continue;
        const offset = BigInt(at[stream]);
        at[stream] += data.length;
        yield { event: { $case: stream, value: { offset, data } } };
      }
      const told = at.stdout === this.output.stdout.length && at.stderr === this.output.stderr.length;
      if (told && this.end !== undefined) return yield { event: { $case: "ended", value: this.view() } };
      if (told) await this.#more(signal);
    }
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }

  #more(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#waiting.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener("abort", done);
    });
  }
}

export class FakeJobs {
  readonly started = new Map<string, FakeJob>();
  /** Plays a job when it starts; the default exits 0 at once. */
  play: (job: FakeJob) => void = (job) => job.exit(0);

  service(): Implementation<typeof CommandServiceService> {
    return {
      startJob: async (request) => {
        const present = this.started.get(request.jobId);
        if (present !== undefined) return present.view();
        const job = new FakeJob(request);
        this.started.set(request.jobId, job);
        this.play(job);
        return job.view();
      },
      followJob: (request, { signal }) => {
        const from = { stdout: Number(request.stdoutOffset), stderr: Number(request.stderrOffset) };
        return this.#get(request.jobId).follow(from, signal);
      },
      getJob: async ({ jobId }) => this.#get(jobId).view(),
      readJob: async ({ jobId }) => {
        const job = this.#get(jobId);
        return { job: job.view(), ...job.output };
      },
      signalJob: async ({ jobId, signal, key }) => {
        const job = this.#get(jobId);
        if (job.keys.has(key)) return { sent: true, replayed: true };
        if (job.end !== undefined) return { sent: false, replayed: false };
        job.keys.add(key);
        job.signals.push(signal);
        return { sent: true, replayed: false };
      },
      listJobs: async () => ({ jobs: [...this.started.values()].map((job) => job.view()).reverse() }),
      cancelJob: async ({ jobId }) => {
        const job = this.#get(jobId);
        job.finish({ state: "cancelled", signal: "SIGTERM" });
        return job.view();
      },
    };
  }

  #get(id: string): FakeJob {
    const job = this.started.get(id);
    if (job === undefined) throw new NotFoundError(`job ${id}: not known here`);
    return job;
  }
}
