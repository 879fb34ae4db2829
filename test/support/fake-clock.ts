/** A clock that moves only when told. Timers fire in order of their due time, then of their creation. */
import type { Clock, Timer } from "../../proto/base/clock.js";

interface Pending {
  readonly dueMs: number;
  readonly order: number;
  readonly fire: () => void;
}

export class FakeClock implements Clock {
  #nowMs: number;
  #elapsedMs = 0;
  #order = 0;
  readonly #pending = new Set<Pending>();

  constructor(startMs = 1_800_000_000_000) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs + this.#elapsedMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  after(delayMs: number, fire: () => void): Timer {
    const pending: Pending = { dueMs: this.#elapsedMs + Math.max(0, delayMs), order: this.#order++, fire };
    this.#pending.add(pending);
    return { cancel: () => void this.#pending.delete(pending) };
  }

  /** Timers not yet fired: a test that ends with some left shows a leak. */
  get pendingTimers(): number {
    return this.#pending.size;
  }

  /** Moves time on, firing what falls due in order; promise reactions run between timers. */
  async advance(byMs: number): Promise<void> {
    const target = this.#elapsedMs + byMs;
    for (;;) {
      await settle();
      const next = [...this.#pending].filter((each) => each.dueMs <= target).sort((a, b) => a.dueMs - b.dueMs || a.order - b.order)[0];
      if (next === undefined) break;
      this.#pending.delete(next);
      this.#elapsedMs = Math.max(this.#elapsedMs, next.dueMs);
      next.fire();
    }
    this.#elapsedMs = target;
    await settle();
  }

  /** Jumps the wall clock without moving monotonic time, as NTP or an operator would. */
  jumpWallClock(byMs: number): void {
    this.#nowMs += byMs;
  }
}

/** Lets promise reactions and immediates run. */
async function settle(): Promise<void> {
  for (let round = 0; round < 5; round += 1) await new Promise((resolve) => setImmediate(resolve));
}
