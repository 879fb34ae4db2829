/** An open SOL line: the reducer, a timer, a reader and one write at a time. */
import { CancelledError, UnreachableError, type LabError } from "../../../proto/base/errors.js";
import type { Clock, Timer } from "../../../proto/base/clock.js";
import type { SolPacket } from "../wire/index.js";
import { type SolEvent, SolEventQueue } from "./events.js";
import { openLine, stepLine, type SolLine, type SolLineEffect, type SolLineEvent } from "./line.js";

/** What the reducer is given at once, so that partial acceptance never copies more. */
const writeBytes = 4096;

export interface SolStream {
  /**
   * Tells what comes in the tick it comes, right after its acknowledgement: resolves after `close`, throws the reason when the line
   * goes down. One reader, called once; `tell` takes what it is told at once and does not throw.
   */
  read(tell: (event: SolEvent) => void): Promise<void>;
  /** The same, instead, for a reader that may take its time: what it has no room for is a loss. */
  readonly events: AsyncIterable<SolEvent>;
  /** Resolves when the BMC has accepted every byte. Throws UnreachableError when the line goes down first, CancelledError. */
  write(data: Uint8Array, options?: { signal?: AbortSignal | undefined }): Promise<void>;
  /** Resolves when the BMC has acknowledged the BREAK or had a second to do so: some never do. */
  sendBreak(): Promise<void>;
  /** Deactivates SOL and lets go. Idempotent; never throws. */
  close(): Promise<void>;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface SolStreamDependencies {
  readonly subject: string;
  /** See `openLine`. */
  readonly copiesPerNumber?: number | undefined;
  readonly clock: Clock;
  send(packet: SolPacket): void;
  /** The machine's end has changed: it lost or got power, or sent a BREAK. */
  noticed?(notice: "transfer-unavailable" | "transfer-available" | "break-detected"): void;
  /** Called once when the line has ended. `ours`: SOL was still this session's, as far as can be told here. */
  release(ours: boolean): Promise<void>;
}

export class ActiveSol implements SolStream {
  readonly #deps: SolStreamDependencies;
  /** Until somebody reads. */
  readonly #queue = new SolEventQueue();
  #tell: ((event: SolEvent) => void) | undefined;
  #reader: Waiter | undefined;
  #line: SolLine;
  #heardMs: number;
  #timer: Timer | undefined;
  #unaccepted = 0;
  #written: Waiter | undefined;
  readonly #breaks: Waiter[] = [];
  #writing: Promise<unknown> = Promise.resolve();
  #failure: LabError | undefined;
  #released: Promise<void> | undefined;

  constructor(chunkBytes: number, deps: SolStreamDependencies) {
    this.#deps = deps;
    this.#line = openLine(chunkBytes, deps.copiesPerNumber);
    this.#heardMs = deps.clock.monotonicMs();
  }

  /** Milliseconds since the last SOL packet. */
  get silentMs(): number {
    return this.#deps.clock.monotonicMs() - this.#heardMs;
  }

  get events(): AsyncIterable<SolEvent> {
    return this.#queue;
  }

  async read(tell: (event: SolEvent) => void): Promise<void> {
    for (const event of this.#queue.takeAll()) tell(event);
    this.#tell = tell;
    if (this.#released === undefined) return new Promise((resolve, reject) => void (this.#reader = { resolve, reject }));
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** A SOL packet of the session. */
  received(packet: SolPacket, order: number): void {
    this.#heardMs = this.#deps.clock.monotonicMs();
    this.#step({ kind: "received", packet, order, atMs: this.#heardMs });
  }

  async write(data: Uint8Array, options?: { signal?: AbortSignal | undefined }): Promise<void> {
    const mine = this.#writing.then(async () => {
      for (let at = 0; at < data.length; at += writeBytes) await this.#writePart(data.subarray(at, at + writeBytes), options?.signal);
    });
    this.#writing = mine.catch(() => undefined);
    return mine;
  }

  sendBreak(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#line.ended) return reject(this.#failure ?? this.#closedError());
      this.#breaks.push({ resolve, reject });
      if (this.#breaks.length === 1) this.#step({ kind: "break" });
    });
  }

  async close(): Promise<void> {
    this.#end(undefined, true);
    await this.#released;
  }

  /** The line is gone: a loss for the record, then the reason to reader and writers. */
  fail(cause: "stolen" | "line-down", error: LabError, ours: boolean): void {
    if (this.#released !== undefined) return;
    this.#offer({ kind: "loss", cause, detail: error.message });
    this.#end(error, ours);
  }

  async #writePart(data: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) throw CancelledError.from(signal);
    if (this.#line.ended) throw this.#failure ?? this.#closedError();
    if (data.length === 0) return;
    let onAbort = () => undefined as void;
    try {
      await new Promise<void>((resolve, reject) => {
        // What was given to the BMC cannot be taken back: an abort stops the waiting, not the bytes.
        onAbort = () => reject(CancelledError.from(signal));
        signal?.addEventListener("abort", onAbort, { once: true });
        this.#written = { resolve, reject };
        this.#unaccepted += data.length;
        this.#step({ kind: "write", data: data.slice() });
      });
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  #step(event: SolLineEvent): void {
    const { line, effects } = stepLine(this.#line, event);
    this.#line = line;
    for (const effect of effects) this.#apply(effect);
  }

  #apply(effect: SolLineEffect): void {
    switch (effect.kind) {
      case "send":
        return this.#deps.send(effect.packet);
      case "deliver":
        // A view of the datagram, which is ours: the next datagram comes in memory of its own.
        return this.#offer({ kind: "bytes", data: effect.data, receivedMs: this.#deps.clock.now() });
      case "overrun":
        return this.#offer({ kind: "loss", cause: "overrun", detail: "the BMC reported a SOL transmit overrun" });
      case "notice":
        this.#deps.noticed?.(effect.notice);
        return this.#offer(effect);
      case "accepted":
        this.#unaccepted -= effect.count;
        if (this.#unaccepted === 0) this.#written?.resolve();
        return;
      case "break-sent":
        this.#breaks.shift()?.resolve();
        if (this.#breaks.length > 0) this.#step({ kind: "break" });
        return;
      case "timer":
        this.#timer?.cancel();
        this.#timer =
          effect.delayMs === undefined ? undefined : this.#deps.clock.after(effect.delayMs, () => this.#step({ kind: "timer" }));
        return;
      case "ended":
        return this.#endedByBmc(effect.reason);
    }
  }

  #endedByBmc(reason: "deactivated" | "unacknowledged"): void {
    const { subject } = this.#deps;
    const text = { deactivated: "the BMC deactivated SOL", unacknowledged: "the BMC stopped acknowledging what is typed" }[reason];
    const error = new UnreachableError(`${subject}: ${text}; open the console again`, { facts: { bmc: subject } });
    // A BMC deactivates the victim's SOL when it gives SOL to a thief: deactivating again would hit the thief.
    this.fail("line-down", error, reason === "unacknowledged");
  }

  #offer(event: SolEvent): void {
    if (this.#tell !== undefined) this.#tell(event);
    else this.#queue.offer(event);
  }

  #end(error: LabError | undefined, ours: boolean): void {
    if (this.#released !== undefined) return;
    this.#failure = error;
    this.#line = { ...this.#line, ended: true };
    this.#timer?.cancel();
    for (const waiter of [this.#written, ...this.#breaks.splice(0)]) waiter?.reject(error ?? this.#closedError());
    this.#queue.end(error);
    if (error === undefined) this.#reader?.resolve();
    else this.#reader?.reject(error);
    this.#released = this.#deps.release(ours);
  }

  #closedError(): LabError {
    return new UnreachableError(`${this.#deps.subject}: the SOL line is closed`);
  }
}
