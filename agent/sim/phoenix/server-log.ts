/** What a redis server and the script around it print (facts: Phoenix §2). */
import type { Course, Mode } from "./load.js";

export interface ServerCourse {
  readonly mode: Mode;
  readonly course: Course;
  readonly startedMs: number;
  readonly faultMs: number;
  readonly restoreFails: boolean;
}

/** Until it serves again, in milliseconds. */
const downMs: Readonly<Record<Mode, number>> = { vanilla: 800, builtin: 53_040, phx: 80, criu: 7_260 };

export function serverLog({ mode, course, startedMs, faultMs, restoreFails }: ServerCourse): string {
  const backMs = faultMs + downMs[mode];
  const lines = [...start(startedMs)];
  if (course === "undisturbed") return ended(lines, "137");
  lines.push(`FAULT: ${faultMs * 1000}`);
  if (mode === "phx") {
    if (course === "gone") lines.push("=== REDIS BUG REPORT START: Cut & paste starting from here ===");
    else lines.push(`RESTART: ${backMs * 1000 - 41_000}`, `NEWREQ: ${backMs * 1000}`);
    return ended(lines, course === "gone" ? "139" : "137");
  }
  lines.push("139");
  if (mode === "criu") return ended([...lines, ...restore(faultMs, backMs, restoreFails)]);
  lines.push(String(Math.floor(faultMs / 1000)));
  return ended(course === "gone" ? lines : [...lines, ...start(backMs - 12)]);
}

/** NEWREQ is printed at every start, also at the first. */
function start(atMs: number): string[] {
  return [
    `RESTART: ${atMs * 1000}`,
    "1234:C 21 Nov 2026 12:00:00.000 # oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo",
    "1234:M 21 Nov 2026 12:00:00.010 * Ready to accept connections tcp",
    `NEWREQ: ${(atMs + 12) * 1000}`,
  ];
}

/** The finish time is printed whether anything was restored or not. */
function restore(faultMs: number, backMs: number, fails: boolean): string[] {
  return [
    `Restore start time ${seconds(faultMs)}`,
    ...(fails ? ["======= CRIU Restore Failed!!! ======"] : []),
    `Restore finish time ${seconds(backMs)}`,
  ];
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(3)}000000`;
}

function ended(lines: readonly string[], exitCode?: string): string {
  return `${[...lines, ...(exitCode === undefined ? [] : [exitCode])].join("\n")}\n`;
}
