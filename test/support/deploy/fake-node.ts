/**
 * A machine and its agents, as a NodeHandle sees them: remembers jobs and power acts by key as real agents do, and counts what was
 * really done. What a test wants to happen hangs on `onPower`, `onCommand` and `onReboot`.
 */
import { createHash } from "node:crypto";
import { sleep, type Clock } from "../../../proto/base/clock.js";
import { CancelledError, ConflictError, NotFoundError, UnreachableError } from "../../../proto/base/errors.js";
import type {
  BootEntry,
  BootMenu,
  CommandRequest,
  CommandResult,
  Facts,
  Fence,
  FileInfo,
  NodeHandle,
  PowerResult,
  PowerState,
  PowerVerb,
} from "../../../controller/ports.js";
import { FakeConsole } from "./fake-console.js";
import { FakeStartedJobs } from "./fake-started-jobs.js";

export interface FakeCommand {
  readonly exitCode?: number;
  readonly stdout?: string;
  readonly stderr?: string;
  /** How long it runs. Default 0. */
  readonly tookMs?: number;
  readonly state?: CommandResult["state"];
  readonly reason?: string;
}

export class FakeNode implements NodeHandle {
  readonly name: string;
  readonly console: FakeConsole | undefined = new FakeConsole();
  readonly fileTexts = new Map<string, string>();
  readonly bootEntries: BootEntry[] = [];
  /** Everything really done, in order: "power cycle", "run make", "write /x", "boot-once lego", "reboot". */
  readonly done: string[] = [];
  readonly cancelledJobs: string[] = [];
  nextEntry = "";
  powerState: PowerState = "on";
  agentConnected = true;
  bootNumber = 1;
  /** Highest epoch seen; older ones are refused. */
  epoch = 0n;
  powerFailure: Error | undefined;
  /** How long its power acts wait for their turn. */
  powerWaitsMs = 0;
  onPower: (verb: PowerVerb) => void = () => {};
  onReboot: () => void = () => {};
  onCommand: (argv: readonly string[]) => FakeCommand = () => ({});
  readonly #clock: Clock;
  readonly #jobs = new Map<string, Promise<CommandResult>>();
  readonly #jobStops = new Map<string, AbortController>();
  readonly #powerActs = new Map<string, PowerResult>();

  constructor(name: string, clock: Clock) {
    this.name = name;
    this.#clock = clock;
    this.startedJobs = new FakeStartedJobs({
      clock,
      act: (fence, what) => this.#act(fence, what),
      check: (fence) => {
        this.#needAgent();
        if (fence !== undefined) this.#check(fence);
      },
    });
    this.jobs = this.startedJobs.handle;
  }

  readonly power: NodeHandle["power"] = {
    read: async () => {
      if (this.powerFailure !== undefined) throw this.powerFailure;
      return { state: this.powerState, fault: false, lastEvent: "", asks: "", hold: "" };
    },
    confirm: async (state: PowerState) => {
      this.powerState = state;
      return this.power.read();
    },
    set: async (
      verb: PowerVerb,
      request: { fence: Fence; key: string; deadlineMs: number; signal?: AbortSignal | undefined },
    ): Promise<PowerResult> => {
      this.#check(request.fence);
      if (this.powerFailure !== undefined) throw this.powerFailure;
      if (this.powerWaitsMs > 0) await sleep(this.#clock, this.powerWaitsMs, request);
      const known = this.#powerActs.get(request.key);
      if (known !== undefined) return { ...known, replayed: true };
      const before = this.powerState;
      this.powerState = verb === "off" || verb === "soft" ? "off" : "on";
      const consoleOffset = (await this.console?.extent())?.endOffset ?? 0n;
      const seen = { before, after: this.powerState, acted: true, elapsedMs: 11_200, packets: 8, waitedMs: 0 };
      const result = { ...seen, replayed: false, witnessed: true, consoleOffset };
      this.#powerActs.set(request.key, result);
      this.done.push(`power ${verb}`);
      this.onPower(verb);
      return result;
    },
  };

  readonly boot = {
    menu: async (): Promise<BootMenu> => {
      this.#needAgent();
      return { entries: this.bootEntries, defaultEntry: "linux", nextEntry: this.nextEntry };
    },
    putEntry: async (entry: Omit<BootEntry, "managed">, request: { fence: Fence }): Promise<BootMenu> => {
      this.#act(request.fence, `put-boot-entry ${entry.id}`);
      if (!this.bootEntries.some((each) => each.id === entry.id)) this.bootEntries.push({ ...entry, managed: true });
      return this.boot.menu();
    },
    removeEntry: async (id: string, request: { fence: Fence }): Promise<BootMenu> => {
      this.#act(request.fence, `remove-boot-entry ${id}`);
      return this.boot.menu();
    },
    bootOnce: async (id: string, request: { fence: Fence }): Promise<BootMenu> => {
      this.#act(request.fence, `boot-once ${id}`);
      this.nextEntry = id;
      return this.boot.menu();
    },
  };

  readonly startedJobs: FakeStartedJobs;
  readonly jobs: NodeHandle["jobs"];

  readonly files = {
    stat: async (path: string): Promise<FileInfo | undefined> => {
      this.#needAgent();
      const text = this.fileTexts.get(path);
      if (text === undefined) return undefined;
      const sha256 = createHash("sha256").update(text).digest("hex");
      return { kind: "file", sizeBytes: text.length, mode: 0o644, modifiedMs: 0, sha256 };
    },
    read: async (path: string): Promise<Uint8Array> => {
      this.#needAgent();
      const text = this.fileTexts.get(path);
      if (text === undefined) throw new NotFoundError(`${this.name}: ${path}: no such file`);
      return new TextEncoder().encode(text);
    },
    write: async (path: string, contents: Uint8Array, request: { fence: Fence }): Promise<FileInfo> => {
      this.#act(request.fence, `write ${path}`);
      const text = new TextDecoder().decode(contents);
      if (path.startsWith("/dev/")) this.console?.write(text);
      else this.fileTexts.set(path, text);
      return { kind: "file", sizeBytes: contents.length, mode: 0o644, modifiedMs: 0, sha256: undefined };
    },
    remove: async (path: string, request: { fence: Fence }): Promise<boolean> => {
      this.#act(request.fence, `remove ${path}`);
      return this.fileTexts.delete(path);
    },
  };

  async run(
    request: CommandRequest,
    options: { fence: Fence; onLine?: (line: string, stream: "stdout" | "stderr") => void; signal?: AbortSignal | undefined },
  ): Promise<CommandResult> {
    this.#needAgent();
    this.#check(options.fence);
    const job = this.#jobs.get(request.jobId) ?? this.#startJob(request);
    this.#jobs.set(request.jobId, job);
    const cancel = () => this.#jobStops.get(request.jobId)?.abort(CancelledError.from(options.signal));
    if (options.signal?.aborted === true) cancel();
    options.signal?.addEventListener("abort", cancel, { once: true });
    const result = await job;
    options.signal?.removeEventListener("abort", cancel);
    for (const line of result.stdout.split("\n")) options.onLine?.(line, "stdout");
    return result;
  }

  async facts(): Promise<Facts> {
    this.#needAgent();
    const disks = [{ mount: "/", sizeBytes: 100, freeBytes: 50 }];
    return {
      kernel: "Linux",
      kernelRelease: "3.10.0",
      arch: "x86_64",
      hostname: this.name,
      bootId: `boot-${this.bootNumber}`,
      uptimeS: 60,
      cpuCount: 12,
      cpuModel: "",
      memoryBytes: 8e9,
      memoryAvailableBytes: 7e9,
      disks,
      modules: [],
      commandLine: "",
      osRelease: "",
    };
  }

  async reboot(request: { fence: Fence }): Promise<{ oldBootId: string }> {
    const oldBootId = `boot-${this.bootNumber}`;
    this.#act(request.fence, "reboot");
    this.bootNumber += 1;
    this.onReboot();
    return { oldBootId };
  }

  async #startJob(request: CommandRequest): Promise<CommandResult> {
    this.done.push(`run ${request.argv.join(" ")}`);
    const stop = new AbortController();
    this.#jobStops.set(request.jobId, stop);
    const startedMs = this.#clock.now();
    const times = { startedMs, endedMs: startedMs };
    const command = this.onCommand(request.argv);
    const { exitCode = 0, stdout = "", stderr = "", tookMs = 0, state = "exited", reason } = command;
    const result = { state, exitCode: state === "exited" ? exitCode : undefined, signal: undefined, reason, stdout, stderr, ...times };
    try {
      if (tookMs > 0) await sleep(this.#clock, Math.min(tookMs, request.timeoutMs), { signal: stop.signal });
    } catch {
      this.cancelledJobs.push(request.jobId);
      return { ...result, state: "cancelled", exitCode: undefined };
    }
    return tookMs > request.timeoutMs ? { ...result, state: "timed-out", exitCode: undefined } : result;
  }

  #act(fence: Fence, what: string): void {
    this.#needAgent();
    this.#check(fence);
    this.done.push(what);
  }

  #needAgent(): void {
    if (!this.agentConnected) throw new UnreachableError(`${this.name}: its agent is not connected`);
  }

  #check(fence: Fence): void {
    if (fence.epoch < this.epoch) throw new ConflictError(`${this.name}: epoch ${fence.epoch} is older than ${this.epoch}`);
    this.epoch = fence.epoch;
  }
}
