/** What a running step does or waits for, for a screen. Never journalled, and never more often than an eye can follow. */
import type { Clock, Timer } from "../../proto/base/clock.js";

export interface StepProgress {
  readonly step: string;
  readonly node: string;
  /** Short: what is done or awaited now. */
  readonly doing: string;
  /** Newest line of output or console; "" before there is one. */
  readonly lastLine: string;
  /** Since this act or wait began. */
  readonly elapsedMs: number;
  readonly deadlineMs: number;
}

const intervalMs = 200;

/** Tells the progress of one step: at once when nothing was told for 200 ms, else the newest of it when they are over. */
export class ProgressReporter {
  readonly #clock: Clock;
  readonly #step: { readonly step: string; readonly node: string };
  readonly #tell: (progress: StepProgress) => void;
  #doing = "";
  #lastLine = "";
  #sinceMs = 0;
  #deadlineMs = 0;
  #toldMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;

  constructor(clock: Clock, step: { id: string; node: string }, tell: (progress: StepProgress) => void) {
    this.#clock = clock;
    this.#step = { step: step.id, node: step.node };
    this.#tell = tell;
  }

  /** A new act or wait begins. */
  doing(what: string, deadlineMs: number): void {
    this.#doing = what;
    this.#deadlineMs = deadlineMs;
    this.#sinceMs = this.#clock.monotonicMs();
    this.#changed();
  }

  /** A new line was seen. */
  line(text: string): void {
    this.#lastLine = text;
    this.#changed();
  }

  close(): void {
    this.#timer?.cancel();
  }

  #changed(): void {
    if (this.#timer !== undefined) return;
    const waitMs = this.#toldMs + intervalMs - this.#clock.monotonicMs();
    if (waitMs <= 0) return this.#report();
    this.#timer = this.#clock.after(
      waitMs,
      () => {
        this.#timer = undefined;
        this.#report();
      },
      { background: true },
    );
  }

  #report(): void {
    this.#toldMs = this.#clock.monotonicMs();
    this.#tell({
      ...this.#step,
      doing: this.#doing,
      lastLine: this.#lastLine,
      elapsedMs: this.#toldMs - this.#sinceMs,
      deadlineMs: this.#deadlineMs,
    });
  }
}
