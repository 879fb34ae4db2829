/** What YCSB prints while it loads a redis: a status line a second (facts: Phoenix §2). */

export type Mode = "vanilla" | "builtin" | "phx" | "criu";

/** What became of redis: recovered in the way of its mode, never crashed, or gone for good. */
export type Course = "recovered" | "undisturbed" | "gone";

const stableReads = 9_400;
/** Time a load of each mode runs, in seconds (param, param_vanilla). */
export const durationS: Readonly<Record<Mode, number>> = { vanilla: 1800, builtin: 500, phx: 500, criu: 500 };
/** Seconds without an answer. */
const downS: Readonly<Record<Mode, number>> = { vanilla: 1, builtin: 53, phx: 0, criu: 7 };

/** Reads in every second of a load, the first is second 1. */
export function reads(mode: Mode, course: Course, killTimeS: number): readonly number[] {
  return Array.from({ length: durationS[mode] }, (_, index) => readsAt(mode, course, index + 1 - killTimeS, index));
}

/** `sinceFault`: in seconds, negative before it. */
function readsAt(mode: Mode, course: Course, sinceFault: number, index: number): number {
  const noise = (index * 7919) % 211;
  if (sinceFault <= 0 || course === "undisturbed") return stableReads + noise;
  if (course === "gone") return sinceFault === 1 ? Math.floor(stableReads / 3) : 0;
  const sinceReturn = sinceFault - downS[mode];
  if (sinceReturn <= 0) return 0;
  switch (mode) {
    // An empty database fills with what is inserted: most reads miss for a long time.
    case "vanilla":
      return Math.floor(stableReads * Math.min(1, 0.03 + sinceReturn / 1700)) + (noise % 37);
    case "builtin":
      return Math.floor(stableReads * Math.min(1, 0.8 + sinceReturn / 600)) + noise;
    case "phx":
    case "criu":
      return stableReads + noise;
  }
}

export function statusLines(perSecond: readonly number[], startedMs: number): string {
  let operations = 0;
  const lines = perSecond.map((count, index) => {
    const inserts = Math.floor(count / 9);
    operations += count + inserts;
    const time = new Date(startedMs + (index + 1) * 1000).toISOString().replace("T", " ").replace(".", ":").replace("Z", "");
    const read = `[READ: Count=${count}, Max=4723, Min=31, Avg=85.11, 90=101, 99=215, 99.9=1037, 99.99=4219]`;
    const insert = `[INSERT: Count=${inserts}, Max=5211, Min=42, Avg=96.40, 90=120, 99=260, 99.9=1201, 99.99=4555]`;
    const failures = count === 0 ? " [READ-FAILED: Count=812, Max=901, Min=11, Avg=20.1, 90=31, 99=60, 99.9=201, 99.99=890]" : "";
    return `${time} ${index + 1} sec: ${operations} operations; ${count + inserts} current ops/sec; est completion in 1 hour ${read} ${insert}${failures}\n`;
  });
  return lines.join("");
}
