/** How far one follower has come: decides what of an event is news to it, however streams overlap or are opened again. Pure. */
import type { ConsoleEvent } from "../ports.js";

export class Progress {
  #cursor: bigint | undefined;
  #live = false;
  /** Gaps and boots told since the last byte: a stream that resumes at the cursor tells those that stand there again. */
  readonly #told = new Set<string>();

  constructor(cursor?: bigint) {
    this.#cursor = cursor;
  }

  /** Offset of the next byte to tell; undefined until the first event says. */
  get cursor(): bigint | undefined {
    return this.#cursor;
  }

  /** True once the live mark was told. */
  get live(): boolean {
    return this.#live;
  }

  /** What of the event has not been told yet; undefined when nothing. */
  take(event: ConsoleEvent): ConsoleEvent | undefined {
    switch (event.kind) {
      case "data": {
        const end = event.offset + BigInt(event.data.length);
        const known = this.#cursor === undefined || this.#cursor < event.offset ? 0n : this.#cursor - event.offset;
        if (event.offset + known >= end) return undefined;
        this.#moveTo(end);
        return known === 0n ? event : { ...event, offset: event.offset + known, data: event.data.subarray(Number(known)) };
      }
      case "gap":
      case "boot": {
        if (this.#cursor === undefined || event.offset > this.#cursor) this.#moveTo(event.offset);
        const key = keyOf(event);
        if (this.#told.has(key)) return undefined;
        this.#told.add(key);
        return event;
      }
      case "live":
        this.#cursor ??= event.offset;
        if (this.#live) return undefined;
        this.#live = true;
        return { kind: "live", offset: this.#cursor };
    }
  }

  #moveTo(offset: bigint): void {
    this.#cursor = offset;
    this.#told.clear();
  }
}

/** A gap that was open and has ended is another one: it is told again. */
function keyOf(event: ConsoleEvent & { readonly kind: "gap" | "boot" }): string {
  if (event.kind === "boot") return `boot ${event.epoch}`;
  return `gap ${event.offset} ${event.cause} ${event.fromMs} ${event.toMs}`;
}
