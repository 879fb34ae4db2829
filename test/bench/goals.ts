/** What must be reached, as ratios of one run: a goal is judged, or it says why it could not be. */

export interface Goal {
  readonly what: string;
  /** What was measured, in words: "12.1 ms against 41.4 ms: 0.29". */
  readonly measured: string;
  readonly verdict: "PASS" | "FAIL" | "NOT MEASURED";
}

/** `ours` may be at most `limit` times `theirs`. */
export function ratioGoal(what: string, unit: string, ours: number | undefined, theirs: number | undefined, limit: number): Goal {
  if (ours === undefined || theirs === undefined || Number.isNaN(ours) || Number.isNaN(theirs)) {
    return { what, measured: "–", verdict: "NOT MEASURED" };
  }
  const ratio = ours / theirs;
  const measured = `${figure(ours)} ${unit} against ${figure(theirs)} ${unit}: ${ratio.toFixed(2)}`;
  return { what, measured, verdict: ratio <= limit ? "PASS" : "FAIL" };
}

export function factGoal(what: string, measured: string, reached: boolean | undefined): Goal {
  return { what, measured, verdict: reached === undefined ? "NOT MEASURED" : reached ? "PASS" : "FAIL" };
}

/** Three digits that matter. "–" for what was not measured. */
export function figure(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return "–";
  if (value === 0) return "0";
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 6));
}
