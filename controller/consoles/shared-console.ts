/**
 * One console, one live stream from its site agent, any number of followers. A follower that asks for history, or falls behind what
 * is kept here, reads on a stream of its own until it has caught up, and then shares again: joined by offset, without hole or repeat.
 */
import { setMaxListeners } from "node:events";
import { anySignal } from "../../proto/base/abort.js";
import { Changes } from "../../proto/base/changes.js";
import type { Clock } from "../../proto/base/clock.js";
import { CancelledError } from "../../proto/base/errors.js";
import type { Logger } from "../../proto/base/logger.js";
import type { ConsoleEvent, ConsoleExtent, ConsoleFeed } from "../ports.js";
import { Progress } from "./progress.js";
import { Recent } from "./recent.js";
import { resume } from "./resume.js";
import type { FollowRequest, Upstream } from "./upstream.js";

interface Waiting {
  readonly signal?: AbortSignal | undefined;
}

/** The live stream and what it brought lately. Lives as long as somebody follows. */
interface Shared {
  readonly recent: Recent;
  readonly changes: Changes;
  readonly stop: AbortController;
  followers: number;
}

export class SharedConsole implements ConsoleFeed {
  readonly #upstream: Upstream;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #closing = new AbortController();
  #shared: Shared | undefined;

  constructor(options: { upstream: Upstream; clock: Clock; logger: Logger }) {
    this.#upstream = options.upstream;
    this.#clock = options.clock;
    this.#logger = options.logger;
    // One listener per follower is no leak: each goes with its follower.
    setMaxListeners(0, this.#closing.signal);
  }

  extent(options?: Waiting): Promise<ConsoleExtent> {
    return this.#upstream.extent(options);
  }

  follow(fromOffset: bigint, options: Waiting): AsyncGenerator<ConsoleEvent, void, undefined> {
    return this.followFrom({ from: { offset: fromOffset }, live: true }, options);
  }

  /**
   * History, then live, over broken streams. Ends when `live` is false and the history is told, or at `untilOffset`. Throws
   * CancelledError, and what the site agent says when the request itself is wrong.
   */
  async *followFrom(request: FollowRequest, options: Waiting): AsyncGenerator<ConsoleEvent, void, undefined> {
    const { signal, release } = anySignal(options.signal, this.#closing.signal);
    const progress = new Progress("offset" in request.from ? request.from.offset : undefined);
    const shares = request.live && request.untilOffset === undefined;
    const shared = shares ? this.#join() : undefined;
    try {
      do {
        if (shared === undefined || !shared.recent.covers(progress.cursor)) yield* this.#ownStream(request, progress, signal, shared);
        if (shared !== undefined) yield* fromRecent(shared, progress, signal);
      } while (shared !== undefined);
    } finally {
      release();
      if (shared !== undefined) this.#leave(shared);
    }
  }

  /** Followers end with CancelledError. Idempotent. */
  close(): void {
    this.#closing.abort(new CancelledError("the controller is going down; follow again when it is back"));
  }

  /** Until what is shared covers the follower, or to the end of what was asked for. */
  async *#ownStream(request: FollowRequest, progress: Progress, signal: AbortSignal, shared: Shared | undefined) {
    const stream = this.#resume(request, progress, signal, () => request.from);
    for await (const event of stream) {
      yield event;
      if (shared?.recent.covers(progress.cursor)) return;
    }
  }

  #join(): Shared {
    this.#shared ??= this.#share();
    this.#shared.followers += 1;
    return this.#shared;
  }

  #leave(shared: Shared): void {
    shared.followers -= 1;
    if (shared.followers > 0) return;
    shared.stop.abort();
    this.#shared = undefined;
  }

  #share(): Shared {
    const shared = { recent: new Recent(), changes: new Changes(), stop: new AbortController(), followers: 0 };
    this.#pump(shared).catch((err: unknown) => {
      // Followers go on with streams of their own, which tell them the same reason.
      if (!shared.stop.signal.aborted) this.#logger.warn({ err }, "console cannot be shared among its followers");
    });
    return shared;
  }

  /** Begins at the end's offset, not at "the end": so it is told what stands at that very offset, and followers may join there. */
  async #pump({ recent, changes, stop }: Shared): Promise<void> {
    const from = async (signal: AbortSignal) => ({ offset: (await this.#upstream.extent({ signal })).endOffset });
    for await (const event of this.#resume({ live: true }, new Progress(), stop.signal, from)) {
      recent.push(event);
      changes.tell();
    }
  }

  #resume(
    request: Omit<FollowRequest, "from">,
    progress: Progress,
    signal: AbortSignal,
    from: Parameters<typeof resume>[0]["from"],
  ): AsyncGenerator<ConsoleEvent, void, undefined> {
    const { live, untilOffset } = request;
    return resume({
      upstream: this.#upstream,
      request: { live, untilOffset },
      progress,
      signal,
      from,
      clock: this.#clock,
      logger: this.#logger,
    });
  }
}

/** Until the follower has fallen behind what is kept. */
async function* fromRecent({ recent, changes }: Shared, progress: Progress, signal: AbortSignal) {
  let sequence = recent.sequenceAt(progress.cursor ?? 0n);
  while (sequence >= recent.firstSequence) {
    const event = recent.at(sequence);
    if (event !== undefined) {
      sequence += 1;
      const news = progress.take(event);
      if (news !== undefined) yield news;
    } else {
      const live = progress.take({ kind: "live", offset: progress.cursor ?? 0n });
      if (live !== undefined) yield live;
      else await changes.next({ signal });
    }
  }
}
