/**
 * What a console's log holds and what a follower is told. Offsets are numbers here: exact below 2^53 bytes, which a 115200 baud line
 * reaches in 24,000 years; `service/` turns them into the contract's u64.
 */
import type { LossCause } from "../ports/console.js";
import type { BannerStage } from "./banner.js";

export type GapCause = LossCause | "disk-full" | "agent-down" | "retention";

/** Bytes that were on the line and are not in the log. Takes no offsets: the next byte has this offset. */
export interface Gap {
  readonly kind: "gap";
  readonly offset: number;
  readonly cause: GapCause;
  readonly detail: string;
  readonly fromMs: number;
  /** 0 = still open. A gap told open is told again, with the same offset, cause and fromMs, once it has ended. */
  readonly toMs: number;
  /** 0 = unknown. */
  readonly lostBytes: number;
}

/** A boot epoch begins. */
export interface Boot {
  readonly kind: "boot";
  /** From 1. */
  readonly epoch: number;
  readonly offset: number;
  readonly cause: "power" | "banner";
  /** The power verb, or the banner's line. */
  readonly detail: string;
  readonly timeMs: number;
}

/** A banner that belongs to the epoch it was seen in. Kept so that the next one is judged rightly after a restart; never told. */
export interface BannerSeen {
  readonly kind: "banner";
  readonly offset: number;
  readonly stage: BannerStage;
  readonly timeMs: number;
}

/** What is remembered about a place in the log. */
export type Mark = Gap | (Boot & { readonly stage?: BannerStage }) | BannerSeen;

/** Bytes as they came, with the time of the first of them; at most `maxChunkBytes`. */
export interface Chunk {
  readonly offset: number;
  readonly data: Uint8Array;
  readonly timeMs: number;
}

export const maxChunkBytes = 16 * 1024;

export type ConsoleEvent =
  | ({ readonly kind: "data" } & Chunk)
  | Gap
  | Boot
  /** The history is told; the next byte to come has this offset. */
  | { readonly kind: "live"; readonly offset: number };
