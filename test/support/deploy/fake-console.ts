/** A captured console in memory: permanent offsets, followers that get history and then what comes. */
import { CancelledError, UnreachableError } from "../../../proto/base/errors.js";
import type { ConsoleEvent, ConsoleExtent, ConsoleFeed } from "../../../controller/ports.js";

export class FakeConsole implements ConsoleFeed {
  readonly #events: ConsoleEvent[] = [];
  readonly #waiting = new Set<() => void>();
  #end = 0n;
  state = "up";
  /** When set, extent throws UnreachableError with this text, and followers are told nothing more, as a feed waits for its site agent. */
  unreachable: string | undefined;
  /** Those that follow now. */
  followers = 0;

  /** Bytes arrive, one per character. */
  write(text: string): void {
    const data = Buffer.from(text, "latin1");
    this.#tell({ kind: "data", offset: this.#end, data, timeMs: 0 });
    this.#end += BigInt(data.length);
  }

  /** Lines arrive, each ended by CR LF. */
  lines(...lines: readonly string[]): void {
    this.write(lines.map((line) => `${line}\r\n`).join(""));
  }

  /** `toMs` 0: it lasts. */
  gap(cause: string, lostBytes: bigint, toMs = 0): void {
    this.#tell({ kind: "gap", offset: this.#end, cause, detail: "BMC reported SOL overrun", fromMs: 0, toMs, lostBytes });
  }

  async extent(): Promise<ConsoleExtent> {
    if (this.unreachable !== undefined) throw new UnreachableError(this.unreachable);
    return { state: this.state, reason: "", firstOffset: 0n, endOffset: this.#end, lastByteMs: 0, bootEpoch: 1 };
  }

  async *follow(fromOffset: bigint, { signal }: { signal?: AbortSignal | undefined }): AsyncGenerator<ConsoleEvent> {
    this.followers += 1;
    try {
      yield* this.#from(fromOffset, signal);
    } finally {
      this.followers -= 1;
    }
  }

  async *#from(fromOffset: bigint, signal: AbortSignal | undefined): AsyncGenerator<ConsoleEvent> {
    for (let index = 0; ; index += 1) {
      while (index >= this.#events.length || this.unreachable !== undefined) await this.#nextEvent(signal);
      const event = this.#events[index];
      if (event === undefined || event.kind === "live") continue;
      if (event.kind !== "data") {
        if (event.offset >= fromOffset) yield event;
        continue;
      }
      const skipped = fromOffset > event.offset ? Number(fromOffset - event.offset) : 0;
      if (skipped < event.data.length) yield { ...event, offset: event.offset + BigInt(skipped), data: event.data.subarray(skipped) };
    }
  }

  #tell(event: ConsoleEvent): void {
    this.#events.push(event);
    for (const wake of this.#waiting) wake();
  }

  #nextEvent(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = () => {
        this.#waiting.delete(settle);
        signal?.removeEventListener("abort", settle);
        if (signal?.aborted === true) reject(CancelledError.from(signal));
        else resolve();
      };
      this.#waiting.add(settle);
      signal?.addEventListener("abort", settle, { once: true });
      if (signal?.aborted === true) settle();
    });
  }
}
