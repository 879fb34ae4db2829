/** Reports for spreadsheets and scripts (RFC 4180, but lines end with \n). */
import { stringify } from "csv-stringify/sync";
import type { Chart, Table } from "./kinds.js";

export function tableCsv({ columns, rows }: Table): string {
  return stringify([columns, ...rows]);
}

/** Long form: a line a point. Marks come last, with no y. */
export function chartCsv({ xLabel, yLabel, series, marks }: Chart): string {
  return stringify([
    ["series", xLabel, yLabel],
    ...series.flatMap(({ name, points }) => points.map(([x, y]) => [name, x, y])),
    ...marks.map(({ x, label }) => [label, x, ""]),
  ]);
}
