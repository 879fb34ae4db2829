/** Signals combined: Node 16 has no AbortSignal.any. */
import type { Clock } from "./clock.js";
import { CancelledError, DeadlineError } from "./errors.js";

/** A signal that aborts with the reason of the first of `signals` that does. Call `release` when the wait is over. */
export function anySignal(...signals: readonly (AbortSignal | undefined)[]): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController();
  const undo: (() => void)[] = [];
  const release = () => {
    for (const each of undo.splice(0)) each();
  };
  for (const signal of signals) {
    if (signal === undefined) continue;
    if (signal.aborted) {
      controller.abort(signal.reason);
      break;
    }
    const onAbort = () => {
      release();
      controller.abort(signal.reason);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    undo.push(() => signal.removeEventListener("abort", onAbort));
  }
  return { signal: controller.signal, release };
}

/** Waits for `work` until `signal` aborts, then throws CancelledError: that ends the waiting, not what is waited for. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(CancelledError.from(signal));
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    void work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/**
 * Runs `work` under a deadline. When it passes, the work's signal aborts and a DeadlineError is thrown that says what was
 * awaited, how long, and what `lastSeen` reports. When the outer signal aborts, its reason is thrown if it is one of our errors, else a
 * CancelledError.
 */
export async function withDeadline<T>(
  clock: Clock,
  wait: { subject: string; awaited: string; deadlineMs: number; lastSeen?: () => string | undefined },
  work: (signal: AbortSignal) => Promise<T>,
  options?: { signal?: AbortSignal | undefined },
): Promise<T> {
  const expiry = new AbortController();
  const timer = clock.after(wait.deadlineMs, () =>
    expiry.abort(
      new DeadlineError({ subject: wait.subject, awaited: wait.awaited, waitedMs: wait.deadlineMs, lastSeen: wait.lastSeen?.() }),
    ),
  );
  const combined = anySignal(options?.signal, expiry.signal);
  try {
    return await Promise.race([work(combined.signal), rejectOnAbort(combined.signal)]);
  } finally {
    timer.cancel();
    combined.release();
  }
}

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(CancelledError.from(signal));
    else signal.addEventListener("abort", () => reject(CancelledError.from(signal)), { once: true });
  });
}
