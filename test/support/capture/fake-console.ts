/** A serial line that is not there: the far end is the test. Held to the same contract as the drivers. */
import { CancelledError, UnreachableError } from "../../../proto/base/errors.js";
import { BoundedQueue } from "../../../proto/base/queue.js";
import type { Clock } from "../../../proto/base/clock.js";
import type { ConsoleLine, ConsoleSource, LineEvent, LossCause } from "../../../agent/ports/console.js";

export class FakeConsole implements ConsoleSource {
  readonly kind = "fake";
  readonly label = "fake line";
  /** What was written to the line, in order. */
  readonly written: Buffer[] = [];
  readonly breaks: number[] = [];
  /** How often the line was opened. */
  opened = 0;
  /** Set: the next opens fail with it. */
  refusal: Error | undefined;
  closed = false;
  readonly #clock: Clock;
  #events: BoundedQueue<LineEvent> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async open(options?: { signal?: AbortSignal | undefined }): Promise<ConsoleLine> {
    if (options?.signal?.aborted) throw CancelledError.from(options.signal);
    if (this.refusal !== undefined) throw this.refusal;
    this.opened += 1;
    const events = new BoundedQueue<LineEvent>(10_000);
    this.#events = events;
    const up = () => {
      if (this.#events !== events) throw new UnreachableError("fake line: it is down");
    };
    return {
      read: async (tell) => {
        for await (const event of events) tell(event);
      },
      write: async (data) => {
        up();
        this.written.push(Buffer.from(data));
      },
      sendBreak: async (durationMs) => {
        up();
        this.breaks.push(durationMs);
      },
      close: async () => {
        if (this.#events === events) this.#events = undefined;
        events.close();
      },
    };
  }

  async close(): Promise<void> {
    this.closed = true;
    this.#events?.close();
  }

  /** The machine prints. What is printed while nobody has the line open is gone, as on iron. */
  print(text: string | Uint8Array): void {
    this.#events?.offer({ kind: "bytes", data: Buffer.from(text as string), receivedMs: this.#clock.now() });
  }

  lose(cause: LossCause, lostBytes: number): void {
    this.#events?.offer({ kind: "loss", cause, detail: `${cause} reported`, lostBytes });
  }

  lineDown(reason?: Error): void {
    if (reason === undefined) this.#events?.close();
    else this.#events?.fail(reason);
    this.#events = undefined;
  }
}
