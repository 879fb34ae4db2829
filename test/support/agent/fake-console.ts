/** A captured console in memory: bytes with offsets, followed like the real one. */
import type { ConsoleEvent, ConsoleView, FollowRequest } from "../../../proto/gen/lab/v1/console.js";

type Told = Exclude<NonNullable<ConsoleEvent["event"]>, { $case: "site" }>;

export class FakeConsole {
  /** What somebody wrote down the line. */
  readonly written: Buffer[] = [];
  writer = "";
  endOffset = 0n;
  readonly #events: { readonly offset: bigint; readonly event: Told }[] = [];
  readonly #waiting = new Set<() => void>();

  /** Bytes arrive on the line. */
  print(text: string): void {
    const data = Buffer.from(text, "latin1");
    this.#tell(this.endOffset, { $case: "data", value: { offset: this.endOffset, data, timeMs: 1_800_000_000_000n } });
    this.endOffset += BigInt(data.length);
    this.#wake();
  }

  /** Bytes are lost. */
  gap(cause: string): void {
    const value = { offset: this.endOffset, cause, detail: "", fromMs: 1n, toMs: 2n, lostBytes: 0n };
    this.#tell(this.endOffset, { $case: "gap", value });
    this.#wake();
  }

  view(node: string): ConsoleView {
    const { endOffset, writer } = this;
    return { node, kind: "sol", state: "up", reason: "", firstOffset: 0n, endOffset, lastByteMs: 0n, bootEpoch: 0, writer };
  }

  /** From an offset (every other `from` counts as the beginning), then live when asked. */
  async *follow(request: FollowRequest, signal: AbortSignal): AsyncGenerator<ConsoleEvent> {
    const from = request.from?.$case === "offset" ? request.from.value : 0n;
    let next = this.#events.findIndex(({ event }) => endOf(event) >= from);
    if (next < 0) next = this.#events.length;
    let live = false;
    while (!signal.aborted) {
      const told = this.#events[next];
      if (told !== undefined) {
        next += 1;
        const event = cut(told.event, from);
        if (event !== undefined) yield { event };
        continue;
      }
      if (!live) yield { event: { $case: "live", value: { offset: this.endOffset } } };
      live = true;
      if (!request.live) return;
      await this.#more(signal);
    }
  }

  #tell(offset: bigint, event: Told): void {
    this.#events.push({ offset, event });
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

function endOf(event: Told): bigint {
  return event.$case === "data" ? event.value.offset + BigInt(event.value.data.length) : event.value.offset;
}

/** The part of an event from an offset on; undefined when nothing of it is left. */
function cut(event: Told, from: bigint): Told | undefined {
  if (event.$case !== "data" || event.value.offset >= from) return event.value.offset >= from ? event : undefined;
  const data = event.value.data.subarray(Number(from - event.value.offset));
  return data.length === 0 ? undefined : { $case: "data", value: { ...event.value, offset: from, data } };
}
