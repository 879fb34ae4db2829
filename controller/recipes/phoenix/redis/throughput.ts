/** Throughput second by second, from the status lines of YCSB. */
import type { CommandOutcome, Verdict } from "../../../deploy/recipe.js";
import { failed, linesOf } from "../verdict.js";

/** For `grep -oE`: the second and the reads in it, each on a line of its own. */
export const statusParts = "[0-9]+ sec: |READ: Count=[0-9]+";

export type Throughput = readonly (readonly [second: number, reads: number])[];

export function parseThroughput(stdout: string): Throughput {
  const points: [number, number][] = [];
  for (const part of linesOf(stdout)) {
    const second = /^(\d+) sec:/.exec(part)?.[1];
    const reads = /^READ: Count=(\d+)$/.exec(part)?.[1];
    const last = points.at(-1);
    if (second !== undefined) points.push([Number(second), 0]);
    else if (reads !== undefined && last !== undefined) last[1] = Number(reads);
  }
  return points;
}

/** What is kept of a run, in seconds before and after the fault. */
const window = { before: 60, after: 240 } as const;
/** The load and the fault are started by two clocks; the second of the fault is served in part. */
const marginS = 2;

/** `grep -oE` of a load's log: redis must serve reads after the fault. Puts out the throughput around it. */
export function judgeThroughput({ stdout }: Pick<CommandOutcome, "stdout">, killTimeS: number): Verdict {
  const points = parseThroughput(stdout);
  const before = points.filter(([second]) => second < killTimeS);
  const after = points.filter(([second]) => second > killTimeS + marginS);
  if (total(before) === 0) return failed("no read was served before the fault: the load did not run");
  if (after.length === 0) return failed(`the load ended at second ${points.at(-1)?.[0] ?? 0}, before or with the fault at ${killTimeS}`);
  if (total(after) === 0) return failed(`no read was served after the fault, in ${after.length} s: redis did not come back`);
  const throughput = points.filter(([second]) => second >= killTimeS - window.before && second <= killTimeS + window.after);
  return {
    ok: true,
    lines: [`${total(before)} reads in ${before.length} s before the fault, ${total(after)} in ${after.length} s after it`],
    outputs: { throughput: throughput.map(([second, reads]) => [second, reads]) },
  };
}

/** Several runs of one mode: the mean of every second any of them has. */
export function meanThroughput(runs: readonly Throughput[]): Throughput {
  const seconds = new Map<number, number[]>();
  for (const [second, reads] of runs.flat()) seconds.set(second, [...(seconds.get(second) ?? []), reads]);
  return [...seconds].sort(([a], [b]) => a - b).map(([second, reads]) => [second, total(reads.map((each) => [0, each])) / reads.length]);
}

function total(points: Throughput): number {
  return points.reduce((sum, [, reads]) => sum + reads, 0);
}
