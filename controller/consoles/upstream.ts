/** What a console hub needs from whoever reaches the site agent that captures a console. Implemented in agents/ over gRPC. */
import type { ConsoleEvent, ConsoleExtent } from "../ports.js";

export type FollowFrom =
  | { readonly offset: bigint }
  | { readonly timeMs: number }
  /** Positive: that epoch. Negative: counted from the newest, -1 is the current one. */
  | { readonly boot: number }
  | { readonly end: true }
  /** This many lines before the end. */
  | { readonly lines: number };

export interface FollowRequest {
  readonly from: FollowFrom;
  /** Go on with what comes. False: end after the history. */
  readonly live: boolean;
  /** Stop before this offset. */
  readonly untilOffset?: bigint | undefined;
}

interface Waiting {
  readonly signal?: AbortSignal | undefined;
}

export interface Upstream {
  extent(options?: Waiting): Promise<ConsoleExtent>;
  /** One stream to the site agent: may end or throw whenever the connection does. Leaving the loop cancels it. */
  follow(request: FollowRequest, options?: Waiting): AsyncIterable<ConsoleEvent>;
}
