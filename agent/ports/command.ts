/** Commands as jobs: they outlive the connection and the agent process that started them, and are found again by id. */

export interface JobRequest {
  /** Letters, digits, dot, dash, underscore; at most 100. */
  readonly id: string;
  readonly argv: readonly string[];
  /** "" = the machine's root directory. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: Uint8Array;
  /** 0 = never cancelled by time. */
  readonly timeoutMs: number;
}

/** "lost": machine or supervisor went down under it. "not-started": the program could not be executed; `reason` says why. */
export type JobState = "running" | "exited" | "signalled" | "timed-out" | "cancelled" | "lost" | "not-started";

export interface Job {
  readonly id: string;
  readonly argv: readonly string[];
  readonly state: JobState;
  /** Set when state is "exited". */
  readonly exitCode?: number;
  /** Set when state is "signalled", "timed-out" or "cancelled". */
  readonly signal?: string;
  readonly reason?: string;
  readonly startedMs: number;
  readonly endedMs?: number;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  readonly pid?: number;
}

export type JobEvent =
  | { readonly kind: "stdout" | "stderr"; readonly offset: number; readonly data: Uint8Array }
  | { readonly kind: "ended"; readonly job: Job };

/** A job with the end of what it has printed so far. */
export interface JobReading {
  readonly job: Job;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

export const jobSignals = ["SIGUSR1", "SIGUSR2", "SIGINT", "SIGTERM", "SIGKILL"] as const;
export type JobSignal = (typeof jobSignals)[number];

export interface Commands {
  /** Starts a job; the same id again returns the job that is there and starts nothing. */
  start(request: JobRequest): Promise<Job>;
  /** Output from these offsets, then live, then `ended`. Throws NotFoundError. */
  follow(
    id: string,
    from: { stdoutOffset: number; stderrOffset: number },
    options?: { signal?: AbortSignal | undefined },
  ): AsyncIterable<JobEvent>;
  /** Throws NotFoundError. */
  get(id: string): Promise<Job>;
  /** The job now, with at most `tailBytes` of the end of each stream; of a job that has ended, nothing is missing. Throws NotFoundError. */
  read(id: string, tailBytes: number): Promise<JobReading>;
  /**
   * Sends a signal to the job's own process, not to its children: at most once per key, also when this agent dies in between. `sent` is
   * false when the process had ended before; `replayed` says that the key was known, and nothing was done now. Waits for the process of
   * a job that is being started. Throws NotFoundError.
   */
  signal(id: string, signal: JobSignal, key: string): Promise<{ sent: boolean; replayed: boolean }>;
  list(): Promise<readonly Job[]>;
  /** SIGTERM to the whole process group, SIGKILL after `graceMs`; resolves when it has ended. */
  cancel(id: string, graceMs: number): Promise<Job>;
}
