import { readFileSync } from "node:fs";
import { sleep, systemClock } from "../../../proto/base/clock.js";

/** True while a process runs; a zombie nobody reaps does not. */
export function runs(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** Waits for what other processes do. Throws after `withinMs` (20 s) with what was awaited. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  awaited: string,
  { withinMs = 20_000 }: { withinMs?: number } = {},
): Promise<void> {
  for (const began = systemClock.monotonicMs(); !(await condition()); await sleep(systemClock, 20)) {
    if (systemClock.monotonicMs() - began > withinMs) throw new Error(`waited ${withinMs / 1000} s for ${awaited}`);
  }
}
