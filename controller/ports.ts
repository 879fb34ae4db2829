/**
 * What deploy/, leases/, consoles/ and records/ need from the world, in their own words. agents/ implements the node side over
 * gRPC, records/ the journal over SQLite; tests hold fakes of both to the same contracts.
 */

/** Proof that the holder may act: see proto Fence. */
export interface Fence {
  readonly leaseId: string;
  readonly epoch: bigint;
}

export type PowerVerb = "on" | "off" | "cycle" | "reset" | "soft";
export type PowerState = "on" | "off";

export interface PowerReading {
  readonly state: PowerState;
  readonly fault: boolean;
  readonly lastEvent: string;
  /** What an operator is asked to do now; "" when nothing. */
  readonly asks: string;
  /** Why the inventory holds its power back; "" when it does not. */
  readonly hold: string;
}

export interface PowerResult {
  readonly before: PowerState;
  readonly after: PowerState;
  readonly acted: boolean;
  readonly elapsedMs: number;
  readonly replayed: boolean;
  readonly witnessed: boolean;
  /** Console offset right before the act. */
  readonly consoleOffset: bigint;
  /** Datagrams or requests exchanged with the device. */
  readonly packets: number;
  /** Of `elapsedMs`, the time spent waiting for its turn. */
  readonly waitedMs: number;
}

export interface CommandRequest {
  /** Unique per node; the same id again finds the job that is there. */
  readonly jobId: string;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin?: Uint8Array;
  readonly timeoutMs: number;
}

export interface CommandResult {
  readonly state: "exited" | "signalled" | "timed-out" | "cancelled" | "lost" | "not-started";
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  readonly reason: string | undefined;
  /** At most the last 1 MiB of each. */
  readonly stdout: string;
  readonly stderr: string;
  /** By the node's clock, ms since the Unix epoch. */
  readonly startedMs: number;
  readonly endedMs: number;
}

/** A job as it is now, without waiting for its end. */
export interface JobReading extends Omit<CommandResult, "state" | "endedMs"> {
  readonly state: CommandResult["state"] | "running";
  readonly endedMs: number | undefined;
  /** 0 when it never started. */
  readonly pid: number;
}

export interface FileInfo {
  readonly kind: "file" | "directory" | "link" | "device" | "other";
  readonly sizeBytes: number;
  readonly mode: number;
  readonly modifiedMs: number;
  readonly sha256: string | undefined;
}

export interface Facts {
  readonly kernel: string;
  readonly kernelRelease: string;
  readonly arch: string;
  readonly hostname: string;
  readonly bootId: string;
  readonly uptimeS: number;
  readonly cpuCount: number;
  readonly cpuModel: string;
  readonly memoryBytes: number;
  readonly memoryAvailableBytes: number;
  readonly disks: readonly { readonly mount: string; readonly sizeBytes: number; readonly freeBytes: number }[];
  readonly modules: readonly string[];
  readonly commandLine: string;
  readonly osRelease: string;
}

export interface BootEntry {
  readonly id: string;
  readonly title: string;
  readonly kernel: string;
  readonly initrd: string;
  readonly arguments: string;
  readonly linux16: boolean;
  readonly managed: boolean;
}

export interface BootMenu {
  readonly entries: readonly BootEntry[];
  readonly defaultEntry: string;
  readonly nextEntry: string;
}

interface Waiting {
  readonly signal?: AbortSignal | undefined;
}

/**
 * One node, whichever agents stand behind it. Methods throw UnreachableError when the agent needed is not connected (they wait
 * a few seconds for a reconnect first), ConflictError when the fence is stale.
 */
export interface NodeHandle {
  readonly name: string;
  /** True while the agent that runs its commands is connected: its own, or the one that reaches it by ssh. */
  readonly agentConnected: boolean;
  power: {
    read(options?: Waiting): Promise<PowerReading>;
    /** `deadlineMs`: from when its turn has come; `queueMs`: how long it may wait for that. */
    set(verb: PowerVerb, request: { fence: Fence; key: string; deadlineMs: number; queueMs: number } & Waiting): Promise<PowerResult>;
    /** An operator's word for what was done by hand. */
    confirm(state: PowerState, options?: Waiting): Promise<PowerReading>;
  };
  boot: {
    menu(options?: Waiting): Promise<BootMenu>;
    putEntry(entry: Omit<BootEntry, "managed">, request: { fence: Fence } & Waiting): Promise<BootMenu>;
    removeEntry(id: string, request: { fence: Fence } & Waiting): Promise<BootMenu>;
    bootOnce(id: string, request: { fence: Fence } & Waiting): Promise<BootMenu>;
  };
  /** Runs to the end, following output; `onLine` gets each line as it comes. Survives reconnects. Cancels the job when the signal aborts. */
  run(
    request: CommandRequest,
    options: { fence: Fence; onLine?: (line: string, stream: "stdout" | "stderr") => void } & Waiting,
  ): Promise<CommandResult>;
  /** Jobs that outlive who started them. */
  jobs: {
    /** Starts it, or finds it by its id; resolves when its process exists or it has ended already. */
    start(request: CommandRequest, options: { fence: Fence } & Waiting): Promise<JobReading>;
    /** Undefined when the node knows no such job. */
    read(jobId: string, options?: Waiting): Promise<JobReading | undefined>;
    /** Sends the signal to the job's process, once per key. False when there was no process any more. Throws NotFoundError for an unknown job. */
    signal(jobId: string, signal: string, request: { fence: Fence; key: string } & Waiting): Promise<boolean>;
    /** Ends the whole process group; resolves when it has ended. False when the node knows no such job. */
    end(jobId: string, request: { fence: Fence; graceMs: number } & Waiting): Promise<boolean>;
  };
  files: {
    stat(path: string, options?: { wantSha256?: boolean } & Waiting): Promise<FileInfo | undefined>;
    /** Throws ExhaustedError beyond `limitBytes` (default 4 MiB). */
    read(path: string, options?: { limitBytes?: number } & Waiting): Promise<Uint8Array>;
    write(path: string, contents: Uint8Array, request: { fence: Fence; mode?: number; inPlace?: boolean } & Waiting): Promise<FileInfo>;
    remove(path: string, request: { fence: Fence; recursive?: boolean } & Waiting): Promise<boolean>;
  };
  facts(options?: Waiting): Promise<Facts>;
  reboot(request: { fence: Fence } & Waiting): Promise<{ oldBootId: string }>;
  /** Undefined when the inventory gives the node no console. */
  readonly console: ConsoleFeed | undefined;
}

export type ConsoleEvent =
  | { readonly kind: "data"; readonly offset: bigint; readonly data: Uint8Array; readonly timeMs: number }
  | {
      readonly kind: "gap";
      readonly offset: bigint;
      readonly cause: string;
      readonly detail: string;
      readonly fromMs: number;
      readonly toMs: number;
      readonly lostBytes: bigint;
    }
  | {
      readonly kind: "boot";
      readonly epoch: number;
      readonly offset: bigint;
      readonly cause: string;
      readonly detail: string;
      readonly timeMs: number;
    }
  | { readonly kind: "live"; readonly offset: bigint };

export interface ConsoleExtent {
  /** "up", "connecting" or "down". */
  readonly state: string;
  readonly reason: string;
  readonly firstOffset: bigint;
  readonly endOffset: bigint;
  readonly lastByteMs: number;
  readonly bootEpoch: number;
}

export interface ConsoleFeed {
  extent(options?: Waiting): Promise<ConsoleExtent>;
  /** From this offset, then live, for ever; resumes by offset when the stream below breaks: no hole, no repeat. */
  follow(fromOffset: bigint, options: Waiting): AsyncIterable<ConsoleEvent>;
}

/** Finds nodes by inventory name. Throws NotFoundError. */
export interface Nodes {
  node(name: string): NodeHandle;
}

/** One journalled fact about a run. `type` names it; `data` is JSON. Types and shapes are deploy/entries.ts. */
export interface JournalEntry {
  readonly runId: string;
  /** From 1, without holes, per run. */
  readonly sequence: number;
  readonly timeMs: number;
  readonly type: string;
  readonly data: unknown;
}

/** Append-only. An entry that `append` has resolved survives kill -9. */
export interface Journal {
  /**
   * Appends all or nothing. Throws ConflictError when the run's last sequence is not `expectedSequence` (0 = new run): somebody else wrote.
   */
  append(
    runId: string,
    expectedSequence: number,
    entries: readonly { type: string; data: unknown; timeMs: number }[],
  ): Promise<readonly JournalEntry[]>;
  /** In order, from this sequence on. */
  read(runId: string, fromSequence?: number): Promise<readonly JournalEntry[]>;
  /** Every run, newest first. */
  runs(): Promise<readonly RunHead[]>;
}

/** The first entry of a run and its newest: what it was to do, and whether it has ended. */
export interface RunHead {
  readonly runId: string;
  readonly first: JournalEntry;
  readonly last: JournalEntry;
}

export interface Lease {
  readonly id: string;
  readonly epoch: bigint;
  readonly nodes: readonly string[];
  readonly owner: string;
  readonly reason: string;
  readonly grantedMs: number;
  readonly expiresMs: number;
}

export interface Leases {
  /** All the nodes or none. Throws ConflictError naming every node that is held, by whom, why and until when. */
  acquire(request: { nodes: readonly string[]; owner: string; reason: string; ttlMs: number }): Promise<Lease>;
  /** Throws NotFoundError when it has ended. */
  renew(id: string, ttlMs: number): Promise<Lease>;
  /** True when there was something to release. */
  release(id: string): Promise<boolean>;
  list(): Promise<readonly Lease[]>;
  /** Lease in force on a node. */
  holding(node: string): Promise<Lease | undefined>;
}
