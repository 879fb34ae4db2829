/** What an open SOL line tells, and the queue to a reader that may be slow. */
import type { LabError } from "../../../proto/base/errors.js";
import { BoundedQueue } from "../../../proto/base/queue.js";

/** About a megabyte of full packets: a reader that is slower loses bytes, and is told. */
const queuedEvents = 4096;
/** Places kept for losses and notices, so that they fit when bytes no longer do. */
const reservedEvents = 16;

export type SolEvent =
  | { readonly kind: "bytes"; readonly data: Uint8Array; readonly receivedMs: number }
  | {
      readonly kind: "loss";
      readonly cause: "overrun" | "stolen" | "line-down" | "discarded";
      readonly detail: string;
      readonly lostBytes?: number;
    }
  /** Information only: the machine is off, or sent a BREAK. */
  | { readonly kind: "notice"; readonly notice: "transfer-unavailable" | "transfer-available" | "break-detected" };

/** Never blocks the network: bytes the reader has no room for are counted, and told before whatever comes next. */
export class SolEventQueue implements AsyncIterable<SolEvent> {
  readonly #queue = new BoundedQueue<SolEvent>(queuedEvents + reservedEvents);
  #discarded = 0;

  offer(event: SolEvent): void {
    if (event.kind === "bytes" && this.#queue.size >= queuedEvents) {
      this.#discarded += event.data.length;
      return;
    }
    this.#tellDiscarded();
    this.#queue.offer(event);
  }

  takeAll(): SolEvent[] {
    this.#tellDiscarded();
    return this.#queue.takeAll();
  }

  /** No more events; `error` is thrown after the last. */
  end(error: LabError | undefined): void {
    this.#tellDiscarded();
    if (error === undefined) this.#queue.close();
    else this.#queue.fail(error);
  }

  [Symbol.asyncIterator](): AsyncIterator<SolEvent> {
    return this.#queue[Symbol.asyncIterator]();
  }

  #tellDiscarded(): void {
    if (this.#discarded === 0) return;
    const detail = "the reader of this console was too slow";
    this.#queue.offer({ kind: "loss", cause: "discarded", detail, lostBytes: this.#discarded });
    this.#discarded = 0;
  }
}
