/** What happens in the lab, told to whoever watches now. Nothing is kept: the journal and the console logs are the memory. */
import type { Clock } from "../../proto/base/clock.js";
import { ExhaustedError } from "../../proto/base/errors.js";
import { BoundedQueue } from "../../proto/base/queue.js";

export type LabEventKind =
  | "agent-connected"
  | "agent-lost"
  | "console-up"
  | "console-down"
  | "console-gap"
  | "boot"
  | "power"
  | "lease-granted"
  | "lease-ended"
  | "run-started"
  | "run-ended";

export interface LabEvent {
  readonly timeMs: number;
  readonly kind: LabEventKind;
  /** "" when about no node. */
  readonly node: string;
  /** What happened, in a line. */
  readonly text: string;
}

/** More than a burst over a whole lab; a watcher that is further behind does not read. */
const queueCapacity = 4096;

export class EventBus {
  readonly #clock: Clock;
  readonly #watchers = new Set<BoundedQueue<LabEvent>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  publish(kind: LabEventKind, node: string, text: string): void {
    const event = { timeMs: Math.floor(this.#clock.now()), kind, node, text };
    for (const queue of this.#watchers) {
      if (queue.offer(event)) continue;
      queue.fail(new ExhaustedError(`events: the watcher is ${queueCapacity} events behind; watch again`));
      this.#watchers.delete(queue);
    }
  }

  /** Events from now on, until the signal aborts. Throws ExhaustedError to a watcher that does not keep up. */
  async *watch(options: { signal: AbortSignal }): AsyncGenerator<LabEvent, void, undefined> {
    const queue = new BoundedQueue<LabEvent>(queueCapacity);
    const stop = () => queue.close();
    this.#watchers.add(queue);
    options.signal.addEventListener("abort", stop, { once: true });
    try {
      if (options.signal.aborted) return;
      yield* queue;
    } finally {
      this.#watchers.delete(queue);
      options.signal.removeEventListener("abort", stop);
    }
  }
}
