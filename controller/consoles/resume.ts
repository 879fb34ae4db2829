/** One stream to a site agent that is opened again where it broke. */
import { Backoff } from "../../proto/base/backoff.js";
import { type Clock, sleep } from "../../proto/base/clock.js";
import { CancelledError, describeError, type ErrorCode, LabError } from "../../proto/base/errors.js";
import type { Logger } from "../../proto/base/logger.js";
import type { ConsoleEvent } from "../ports.js";
import type { Progress } from "./progress.js";
import type { FollowFrom, FollowRequest, Upstream } from "./upstream.js";

const reopening = { initialMs: 200, capMs: 5_000, stableMs: 10_000 };

/** Asking again will not help. Only before the first event: an agent that has just restarted may not know its consoles yet. */
const final: readonly ErrorCode[] = ["invalid-argument", "not-found", "permission", "unsupported"];

export interface ResumeOptions {
  readonly upstream: Upstream;
  readonly request: Omit<FollowRequest, "from">;
  /** Where to begin; asked again as long as nothing was told. */
  readonly from: (signal: AbortSignal) => FollowFrom | Promise<FollowFrom>;
  readonly progress: Progress;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** Tells what is new to `progress`, over any number of broken streams. Throws CancelledError, or why it cannot even begin. */
export async function* resume(options: ResumeOptions): AsyncGenerator<ConsoleEvent, void, undefined> {
  const { upstream, request, progress, clock, logger, signal } = options;
  const backoff = new Backoff(reopening);
  const until = request.untilOffset;
  let begun = false;
  for (;;) {
    const openedMs = clock.monotonicMs();
    try {
      const from = progress.cursor === undefined ? await options.from(signal) : { offset: progress.cursor };
      for await (const event of upstream.follow({ ...request, from }, { signal })) {
        begun = true;
        const news = progress.take(event);
        if (news !== undefined) yield news;
      }
      if (!request.live || (until !== undefined && (progress.cursor ?? 0n) >= until)) return;
      logger.debug("console stream ended; opening it again");
    } catch (error) {
      if (signal.aborted) throw CancelledError.from(signal);
      if (!begun && error instanceof LabError && final.includes(error.code)) throw error;
      logger.debug({ reason: describeError(error) }, "console stream broke; opening it again");
    }
    await sleep(clock, backoff.nextDelayMs(clock.monotonicMs() - openedMs), { signal });
  }
}
