/** A stand-in tool running in this process as if it were one of its own: output, signals, an end. */
import type { JobReading } from "../../../controller/ports.js";
import type { MachineView } from "../../../agent/sim/tools/machine-view.js";
import type { Tool, ToolCall } from "../../../agent/sim/tools/tool.js";
import { sleep, systemClock, type Timer } from "../../../proto/base/clock.js";
import { describeError } from "../../../proto/base/errors.js";

export interface SimulatedProcessOptions {
  readonly tool: Tool;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: string;
  readonly machine: MachineView;
  readonly pid: number;
  /** Milliseconds of a tool's work per millisecond here. */
  readonly speedUp: number;
  /** 0 = never. */
  readonly timeoutMs: number;
  readonly onOutput: (text: string, stream: "stdout" | "stderr") => void;
}

type End = Pick<JobReading, "state"> & Partial<Pick<JobReading, "exitCode" | "signal" | "reason">>;

export class SimulatedProcess {
  reading: JobReading;
  readonly ended: Promise<void>;
  readonly #options: SimulatedProcessOptions;
  readonly #handlers = new Map<string, () => void>();
  readonly #over = new AbortController();
  readonly #timeout: Timer | undefined;
  #cancelled = false;
  #onEnded: () => void = () => {};

  constructor(options: SimulatedProcessOptions) {
    this.#options = options;
    const { pid, timeoutMs } = options;
    const open = { exitCode: undefined, signal: undefined, reason: undefined, endedMs: undefined };
    this.reading = { state: "running", ...open, stdout: "", stderr: "", startedMs: systemClock.now(), pid };
    this.ended = new Promise((resolve) => (this.#onEnded = resolve));
    if (timeoutMs > 0) this.#timeout = systemClock.after(timeoutMs, () => this.finish({ state: "timed-out", signal: "SIGTERM" }));
    void this.#execute();
  }

  /** False when it has ended. A signal it has no handler for ends it. */
  signal(name: string): boolean {
    if (this.reading.state !== "running") return false;
    const handler = name === "SIGKILL" ? undefined : this.#handlers.get(name);
    if (handler === undefined) this.finish({ state: "signalled", signal: name });
    else handler();
    return true;
  }

  /** As an agent ends a job: SIGTERM, and SIGKILL to what goes on after `graceMs`. Resolves when it has ended. */
  async cancel(graceMs: number): Promise<void> {
    const ending = new AbortController();
    this.#cancelled = true;
    this.signal("SIGTERM");
    await Promise.race([this.ended, sleep(systemClock, graceMs, { signal: ending.signal }).catch(() => undefined)]);
    ending.abort();
    this.finish({ state: "cancelled", signal: "SIGKILL" });
  }

  /** What it does later comes to nothing. */
  finish(end: End): void {
    if (this.reading.state !== "running") return;
    const asked: End = this.#cancelled ? { state: "cancelled", signal: end.signal ?? "SIGTERM" } : end;
    this.reading = { ...this.reading, ...asked, endedMs: systemClock.now() };
    this.#timeout?.cancel();
    this.#over.abort();
    this.#onEnded();
  }

  async #execute(): Promise<void> {
    try {
      this.finish({ state: "exited", exitCode: await this.#options.tool(this.#call()) });
    } catch (error) {
      this.#print(`${describeError(error)}\n`, "stderr");
      this.finish({ state: "exited", exitCode: 126 });
    }
  }

  #call(): ToolCall {
    const { argv, machine, env, stdin, speedUp } = this.#options;
    return {
      argv,
      machine,
      env,
      now: () => systemClock.now(),
      work: (milliseconds) => sleep(systemClock, milliseconds / speedUp, { signal: this.#over.signal }),
      stdin: () => Promise.resolve(stdin),
      onSignal: (signal, handler) => void this.#handlers.set(signal, handler),
      out: (text) => this.#print(text, "stdout"),
      err: (text) => this.#print(text, "stderr"),
    };
  }

  #print(text: string, stream: "stdout" | "stderr"): void {
    if (this.reading.state !== "running") return;
    this.reading = { ...this.reading, [stream]: this.reading[stream] + text };
    this.#options.onOutput(text, stream);
  }
}
