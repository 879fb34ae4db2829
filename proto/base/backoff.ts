/** Delays between attempts: exponential, capped, jittered; back to the start after a stable period. */

export interface BackoffOptions {
  readonly initialMs: number;
  readonly capMs: number;
  /** Growth per failure. Default 2. */
  readonly factor?: number;
  /** Share of the delay that is random, 0…1. Default 0.5: a delay of 10 s becomes 5…10 s. */
  readonly jitter?: number;
  /** A connection that lived at least this long counts as stable and resets the delay. */
  readonly stableMs: number;
  /** Uniform in [0, 1). Injected in tests. */
  readonly random?: () => number;
}

export class Backoff {
  readonly #options: BackoffOptions;
  #failures = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** The delay before the next attempt, given how long the attempt that just ended had lived. */
  nextDelayMs(livedMs: number): number {
    const { initialMs, capMs, factor = 2, jitter = 0.5, stableMs, random = Math.random } = this.#options;
    if (livedMs >= stableMs) this.#failures = 0;
    const full = Math.min(capMs, initialMs * factor ** this.#failures);
    this.#failures += 1;
    return full * (1 - jitter * random());
  }
}
