/** The newest events of one console, bounded in bytes: what followers that keep up share. */
import type { ConsoleEvent } from "../ports.js";

/** Half a minute of a busy 115200 baud line. */
const keptBytes = 256 * 1024;

/** Bytes an event without data counts for, so that a storm of gaps is bounded too. */
const markBytes = 256;

export class Recent {
  readonly #events: ConsoleEvent[] = [];
  #firstSequence = 0;
  #bytes = 0;
  #firstOffset: bigint | undefined;

  /** Sequence number of the oldest event kept. */
  get firstSequence(): number {
    return this.#firstSequence;
  }

  /** True when everything from `offset` on is here or still to come. */
  covers(offset: bigint | undefined): boolean {
    return offset !== undefined && this.#firstOffset !== undefined && offset >= this.#firstOffset;
  }

  push(event: ConsoleEvent): void {
    this.#firstOffset ??= event.offset;
    this.#events.push(event);
    this.#bytes += sizeOf(event);
    while (this.#bytes > keptBytes) this.#dropThroughData();
  }

  at(sequence: number): ConsoleEvent | undefined {
    return this.#events[sequence - this.#firstSequence];
  }

  /** Sequence number of the first event that a follower with its cursor at `offset` may not know. */
  sequenceAt(offset: bigint): number {
    const index = this.#events.findIndex((event) => endOf(event) > offset || (event.kind !== "data" && event.offset >= offset));
    return this.#firstSequence + (index === -1 ? this.#events.length : index);
  }

  /** Gaps and boots go with the bytes after them: whoever begins at what is left has missed none that stands there. */
  #dropThroughData(): void {
    for (;;) {
      const event = this.#events.shift();
      if (event === undefined) return;
      this.#firstSequence += 1;
      this.#bytes -= sizeOf(event);
      this.#firstOffset = endOf(event);
      if (event.kind === "data") return;
    }
  }
}

function endOf(event: ConsoleEvent): bigint {
  return event.kind === "data" ? event.offset + BigInt(event.data.length) : event.offset;
}

function sizeOf(event: ConsoleEvent): number {
  return event.kind === "data" ? markBytes + event.data.length : markBytes;
}
