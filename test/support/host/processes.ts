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

/** Waits for what other processes do. Throws after 20 s with what was awaited. */
export async function until(condition: () => boolean | Promise<boolean>, awaited: string): Promise<void> {
  for (const began = systemClock.monotonicMs(); !(await condition()); await sleep(systemClock, 20)) {
    if (systemClock.monotonicMs() - began > 20_000) throw new Error(`waited 20 s for ${awaited}`);
  }
}
