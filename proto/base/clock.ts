/**
 * Time, injected. Nothing outside this file reads the system clock or sets a timer, so tests decide what time it is.
 */
import { CancelledError } from "./errors.js";

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Wall time in milliseconds since the Unix epoch. May jump; use it for records only. */
  now(): number;
  /** Monotonic milliseconds from an arbitrary origin. Use it for every duration and deadline. */
  monotonicMs(): number;
  /** Calls `fire` once after `delayMs`. The timer keeps the process alive unless `background` is set. */
  after(delayMs: number, fire: () => void, options?: { background?: boolean }): Timer;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, fire, options) {
    // A longer delay than setTimeout can hold would fire at once (Node documentation, "setTimeout").
    const timer = setTimeout(fire, Math.min(Math.max(0, delayMs), 0x7fff_ffff));
    if (options?.background) timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};

/** Resolves after `delayMs`. Throws CancelledError when `signal` aborts first. */
export function sleep(clock: Clock, delayMs: number, options?: { signal?: AbortSignal | undefined }): Promise<void> {
  const signal = options?.signal;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(CancelledError.from(signal));
    const onAbort = () => {
      timer.cancel();
      reject(CancelledError.from(signal));
    };
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
