/** Patience with agents that come and go. */
import { withDeadline } from "../../proto/base/abort.js";
import { sleep, type Clock } from "../../proto/base/clock.js";
import { DeadlineError, UnreachableError } from "../../proto/base/errors.js";

/** Between attempts; a NodeHandle itself waits a few seconds for its agent before it gives up. */
const retryMs = 1000;

/**
 * Repeats `attempt` while the agent or device behind it cannot be reached. Only for what may be asked twice: readings, keyed acts,
 * acts without effect when already done. Throws UnreachableError when it could not be reached until the deadline, DeadlineError
 * when it could and did not answer, and everything else `attempt` throws.
 */
export async function whileUnreachable<T>(
  context: { readonly clock: Clock; readonly signal: AbortSignal },
  wait: { subject: string; awaited: string; deadlineMs: number },
  attempt: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { clock } = context;
  let last: UnreachableError | undefined;
  const attempts = async (signal: AbortSignal): Promise<T> => {
    for (;;) {
      try {
        return await attempt(signal);
      } catch (error) {
        if (!(error instanceof UnreachableError)) throw error;
        last = error;
        await sleep(clock, retryMs, { signal });
      }
    }
  };
  try {
    return await withDeadline(clock, wait, attempts, { signal: context.signal });
  } catch (error) {
    if (!(error instanceof DeadlineError) || last === undefined) throw error;
    const waited = `${(wait.deadlineMs / 1000).toFixed(0)} s`;
    throw new UnreachableError(`${wait.subject}: could not be reached for ${waited} to ${wait.awaited}; check power, cable and agent`, {
      cause: last,
    });
  }
}
