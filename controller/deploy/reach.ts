/** Patience with agents that come and go. */
import { withDeadline } from "../../proto/base/abort.js";
import { sleep, type Clock } from "../../proto/base/clock.js";
import { DeadlineError, UnreachableError } from "../../proto/base/errors.js";

/** Between attempts; a NodeHandle itself waits a few seconds for its agent before it gives up. */
const retryMs = 1000;
/** A machine that was reset is back by then; one that is not keeps the nodes of the whole run leased for nothing. */
const patienceMs = 5 * 60_000;
/** An attempt that lived so long had reached what it then lost. */
const reachedMs = 60_000;

/**
 * Repeats `attempt` while the agent or device behind it cannot be reached. Only for what may be asked twice: readings, keyed acts,
 * acts without effect when already done. Throws UnreachableError when it could not be reached for five minutes (or `patienceMs`, where
 * that is less) or until the deadline,
 * DeadlineError when it could and did not answer, and everything else `attempt` throws.
 */
export async function whileUnreachable<T>(
  context: { readonly clock: Clock; readonly signal: AbortSignal },
  wait: { subject: string; awaited: string; deadlineMs: number; patienceMs?: number },
  attempt: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { clock } = context;
  const givenMs = Math.min(patienceMs, wait.patienceMs ?? patienceMs);
  let last: UnreachableError | undefined;
  let beganMs = clock.monotonicMs();
  const livedMs = () => clock.monotonicMs() - beganMs;
  const givenUp = (afterMs: number) => {
    const waited = `${(afterMs / 1000).toFixed(0)} s`;
    return new UnreachableError(`${wait.subject}: could not be reached for ${waited} to ${wait.awaited}; check power, cable and agent`, {
      cause: last,
    });
  };
  const attempts = async (signal: AbortSignal): Promise<T> => {
    let awaySinceMs = clock.monotonicMs();
    for (;;) {
      beganMs = clock.monotonicMs();
      try {
        return await attempt(signal);
      } catch (error) {
        if (!(error instanceof UnreachableError)) throw error;
        last = error;
        if (livedMs() >= reachedMs) awaySinceMs = clock.monotonicMs();
        if (clock.monotonicMs() - awaySinceMs >= givenMs) throw givenUp(givenMs);
        await sleep(clock, retryMs, { signal });
      }
    }
  };
  try {
    return await withDeadline(clock, wait, attempts, { signal: context.signal });
  } catch (error) {
    throw error instanceof DeadlineError && last !== undefined && livedMs() < reachedMs ? givenUp(wait.deadlineMs) : error;
  }
}
