/** Waits for a device's answer, as the PowerDevice port wants them to end. */
import { withDeadline } from "../../../proto/base/abort.js";
import type { Clock } from "../../../proto/base/clock.js";
import { CancelledError, DeadlineError, UnreachableError } from "../../../proto/base/errors.js";
import { NotSentError } from "../../ports/power.js";

export interface AnswerWait {
  readonly subject: string;
  readonly awaited: string;
  readonly deadlineMs: number;
  /** What to do about silence. */
  readonly next: string;
}

/** Throws UnreachableError when nothing comes in time, CancelledError when the caller does not want it any more, and what `work` throws. */
export async function answerOf<T>(
  clock: Clock,
  { next, ...wait }: AnswerWait,
  work: (signal: AbortSignal) => Promise<T>,
  options?: { signal?: AbortSignal | undefined },
): Promise<T> {
  const givenUp = () => options?.signal?.aborted === true;
  if (givenUp()) throw CancelledError.from(options?.signal);
  try {
    return await withDeadline(clock, wait, work, options);
  } catch (cause) {
    if (givenUp()) throw CancelledError.from(options?.signal);
    if (!(cause instanceof DeadlineError)) throw cause;
    throw new UnreachableError(`${cause.message}; ${next}`, { cause });
  }
}

/** What is asked before a verb is sent. Throws NotSentError when the device does not answer. */
export async function askedBefore<T>(question: Promise<T>): Promise<T> {
  try {
    return await question;
  } catch (cause) {
    if (!(cause instanceof UnreachableError)) throw cause;
    throw new NotSentError(`${cause.message}; nothing was sent`, { facts: cause.facts, cause });
  }
}
