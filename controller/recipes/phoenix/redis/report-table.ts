/** The table report.sh prints: "Mode Runs Downtime (s) 5-sec Avail. 90% Time (s)", a row for every mode, N/A where nothing was run. */
import type { CommandOutcome, Json, Verdict } from "../../../deploy/recipe.js";
import { type Mode, modes } from "../parameters.js";
import { failed, lastWords, linesOf } from "../verdict.js";

export interface ReportRow {
  readonly mode: Mode;
  readonly runs: number;
  readonly downtimeS: number;
  /** Percent of the throughput before the fault, five seconds after it. */
  readonly availability5s: number;
  /** Until 90 % of it are there again. */
  readonly recovery90S: number;
}

/** Rows with numbers; a mode of N/A has none. */
export function parseReport(stdout: string): readonly ReportRow[] {
  return linesOf(stdout).flatMap((line) => {
    const [name = "", ...values] = line.trim().split(/\s+/);
    const mode = modes.find((each) => each === name);
    const [runs, downtimeS, availability5s, recovery90S] = values.map((value) => Number(value.replace(/%$/, "")));
    if (mode === undefined || values.length !== 4) return [];
    if (runs === undefined || downtimeS === undefined || availability5s === undefined || recovery90S === undefined) return [];
    return [runs, downtimeS, availability5s, recovery90S].some(Number.isNaN)
      ? []
      : [{ mode, runs, downtimeS, availability5s, recovery90S }];
  });
}

/** Every mode asked for has a row, of as many runs as were made. Puts out the rows. */
export function judgeReport(result: CommandOutcome, wanted: readonly Mode[], repeat: number): Verdict {
  const rows = parseReport(result.stdout);
  const wrong = wanted.flatMap((mode) => {
    const row = rows.find((each) => each.mode === mode);
    if (row === undefined) return [`${mode}: no numbers in the report`];
    return row.runs === repeat ? [] : [`${mode}: the report counts ${row.runs} runs, ${repeat} were made`];
  });
  const lines = linesOf(result.stdout);
  if (wrong.length > 0) return failed(wrong.join("; "), lines.length > 0 ? lines : lastWords(result));
  return { ok: true, lines, outputs: { rows: rows.map((row) => ({ ...row }) as unknown as Json) } };
}
