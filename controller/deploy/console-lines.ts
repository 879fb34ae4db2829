/** A console as lines, with what a verdict over them must know: where bytes are missing. */
import type { ConsoleEvent, ConsoleFeed } from "../ports.js";
import { LineSplitter, type SeenLine } from "./lines.js";

export type ConsoleItem =
  | { readonly kind: "line"; readonly line: SeenLine }
  /** `toMs`: when the loss ended, milliseconds since the Unix epoch; 0 while it lasts. */
  | { readonly kind: "gap"; readonly offset: bigint; readonly text: string; readonly toMs: number };

/** Lines from this offset on, then live, until the signal aborts; then it throws. A line is told when its end has come. */
export async function* consoleLines(
  feed: ConsoleFeed,
  fromOffset: bigint,
  options: { signal: AbortSignal },
): AsyncGenerator<ConsoleItem, void, undefined> {
  const reader = new LineReader(fromOffset);
  for await (const event of feed.follow(fromOffset, options)) yield* reader.read(event);
}

class LineReader {
  #splitter: LineSplitter;
  /** The next byte to read. */
  #offset: bigint;

  constructor(offset: bigint) {
    this.#offset = offset;
    this.#splitter = new LineSplitter(offset);
  }

  read(event: ConsoleEvent): ConsoleItem[] {
    switch (event.kind) {
      case "data": {
        const broken = event.offset === this.#offset ? [] : this.#jump(event.offset);
        this.#offset = event.offset + BigInt(event.data.length);
        return [...broken, ...asItems(this.#splitter.push(event.data))];
      }
      case "gap": {
        const text = `${event.lostBytes === 0n ? "some" : String(event.lostBytes)} bytes lost, ${event.cause}: ${event.detail}`;
        return [...asItems(this.#splitter.breakOff()), { kind: "gap", offset: event.offset, text, toMs: event.toMs }];
      }
      case "boot":
        return asItems(this.#splitter.breakOff());
      case "live":
        return [];
    }
  }

  /** Older bytes may be gone (retention): offsets stay true, the line begun does not go on. */
  #jump(offset: bigint): ConsoleItem[] {
    const broken = asItems(this.#splitter.breakOff());
    this.#splitter = new LineSplitter(offset);
    return broken;
  }
}

function asItems(lines: readonly SeenLine[]): ConsoleItem[] {
  return lines.map((line) => ({ kind: "line", line }));
}
