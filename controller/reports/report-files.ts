/**
 * A run's reports as files: a table as text and CSV, a chart as CSV and SVG. Pure: the same outputs give the same bytes, whenever and
 * wherever they are asked for. A recipe says what a result is (controller/deploy/recipe.ts); how it is written stands here.
 */
import type { Report } from "../deploy/recipe.js";
import { chartSvg } from "./chart-svg.js";
import { chartCsv, tableCsv } from "./csv.js";
import { tableText } from "./table-text.js";

export interface ReportFile {
  /** Fit for any file system, unique among the files. */
  readonly name: string;
  readonly mediaType: "text/plain" | "text/csv" | "image/svg+xml";
  readonly text: string;
}

/** In the order of the reports. */
export function reportFiles(reports: readonly Report[]): ReportFile[] {
  const taken = new Set<string>();
  return reports.flatMap((report): ReportFile[] => {
    const name = freeName(report.name, taken);
    if (report.kind === "table") {
      return [
        { name: `${name}.txt`, mediaType: "text/plain", text: tableText(report) },
        { name: `${name}.csv`, mediaType: "text/csv", text: tableCsv(report) },
      ];
    }
    return [
      { name: `${name}.csv`, mediaType: "text/csv", text: chartCsv(report) },
      { name: `${name}.svg`, mediaType: "image/svg+xml", text: chartSvg(report) },
    ];
  });
}

/** A table and a chart may have one name, and both have a CSV. */
function freeName(wanted: string, taken: Set<string>): string {
  const plain = wanted.replace(/[^\w.-]+/g, "-").replace(/^[.-]+/, "") || "report";
  let name = plain;
  for (let number = 2; taken.has(name); number += 1) name = `${plain}-${number}`;
  taken.add(name);
  return name;
}
