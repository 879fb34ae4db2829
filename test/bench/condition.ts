/** Waiting for what other processes do. */
import { sleep, systemClock } from "../../proto/base/clock.js";

export interface Patience {
  readonly signal?: AbortSignal;
  /** Default 60 s. */
  readonly withinMs?: number;
  /** Between two looks; default 50 ms. */
  readonly everyMs?: number;
}

/** Resolves when `condition` gives something other than undefined or false. Throws after `withinMs` with what was awaited. */
export async function until<T>(
  awaited: string,
  condition: () => Promise<T | undefined | false> | T | undefined | false,
  { signal, withinMs = 60_000, everyMs = 50 }: Patience = {},
): Promise<T> {
  for (const began = systemClock.monotonicMs(); ; await sleep(systemClock, everyMs, { signal })) {
    const found = await condition();
    if (found !== undefined && found !== false) return found;
    if (systemClock.monotonicMs() - began > withinMs) throw new Error(`waited ${withinMs / 1000} s for ${awaited}`);
  }
}

/** Resolves when what `measure` gives has not changed for `quietMs`. */
export async function untilQuiet(
  awaited: string,
  quietMs: number,
  measure: () => Promise<number>,
  { signal, withinMs = 120_000, everyMs = 100 }: Patience = {},
): Promise<void> {
  let last = Number.NaN;
  let sinceMs = systemClock.monotonicMs();
  const quiet = async () => {
    const now = await measure();
    if (now !== last) sinceMs = systemClock.monotonicMs();
    last = now;
    return systemClock.monotonicMs() - sinceMs >= quietMs;
  };
  await until(awaited, quiet, { withinMs, everyMs, ...(signal === undefined ? {} : { signal }) });
}
