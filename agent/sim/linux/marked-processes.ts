/**
 * Every process of a simulated Linux carries a mark in its environment and hands it to its children, sessions and process groups of
 * their own included. That is how all of them are found when the power is cut. Linux only (/proc).
 */
import { readdirSync, readFileSync } from "node:fs";
import { type Clock, sleep } from "../../../proto/base/clock.js";
import { DeadlineError } from "../../../proto/base/errors.js";

export const markVariable = "LABD_SIM_MARK";

const pollMs = 10;
const deadlineMs = 10_000;

/** Processes whose mark starts with `mark`, ourselves excepted. Zombies have no environment left and do not count. */
export function findMarkedProcesses(mark: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && readMark(pid)?.startsWith(mark) === true);
}

/** Kills every process whose mark starts with `mark`, and those they start meanwhile. Throws DeadlineError when one stays. */
export async function killMarkedProcesses(mark: string, clock: Clock): Promise<void> {
  const began = clock.monotonicMs();
  for (let pids = findMarkedProcesses(mark); pids.length > 0; pids = findMarkedProcesses(mark)) {
    if (clock.monotonicMs() - began > deadlineMs) {
      throw new DeadlineError({ subject: mark, awaited: "its processes to end", waitedMs: deadlineMs, lastSeen: `pids ${pids.join(" ")}` });
    }
    for (const pid of pids) kill(pid);
    await sleep(clock, pollMs);
  }
}

function readMark(pid: number): string | undefined {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, "latin1");
    const variable = environment.split("\0").find((each) => each.startsWith(`${markVariable}=`));
    return variable?.slice(markVariable.length + 1);
  } catch {
    return undefined; // gone meanwhile, or another user's
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself since it was found.
  }
}
