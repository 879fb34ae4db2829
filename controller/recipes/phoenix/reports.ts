/** Table and chart of an experiment, from what its steps have put out. */
import type { Json, Outputs, Report } from "../../deploy/recipe.js";
import { type Mode, modes } from "./parameters.js";
import type { ReportRow } from "./redis/report-table.js";
import { meanThroughput, type Throughput } from "./redis/throughput.js";

export function reports(outputs: Outputs): readonly Report[] {
  return [...tables(outputs), ...charts(outputs)];
}

function tables(outputs: Outputs): Report[] {
  const rows = stepsOf(outputs, "report").flatMap((step) => (step["rows"] as unknown as readonly ReportRow[] | undefined) ?? []);
  if (rows.length === 0) return [];
  return [
    {
      kind: "table",
      name: "recovery",
      title: "Recovery of redis",
      columns: ["Mode", "Runs", "Downtime (s)", "5-sec Avail. (%)", "90% Time (s)"],
      rows: modes.flatMap((mode) => {
        const row = rows.find((each) => each.mode === mode);
        return [
          row === undefined ? [mode, "N/A", "N/A", "N/A", "N/A"] : [mode, row.runs, row.downtimeS, row.availability5s, row.recovery90S],
        ];
      }),
    },
  ];
}

function charts(outputs: Outputs): Report[] {
  const runs = stepsOf(outputs, "run").flatMap((step) => {
    const { mode, killTimeS, throughput } = step;
    return typeof mode === "string" && typeof killTimeS === "number" && Array.isArray(throughput)
      ? [{ mode: mode as Mode, killTimeS, throughput: throughput as unknown as Throughput }]
      : [];
  });
  const [first] = runs;
  if (first === undefined) return [];
  const series = modes.flatMap((mode) => {
    const own = runs.filter((each) => each.mode === mode);
    return own.length === 0 ? [] : [{ name: mode, points: meanThroughput(own.map((each) => each.throughput)) }];
  });
  return [
    {
      kind: "chart",
      name: "throughput",
      title: "Throughput around the fault",
      xLabel: "seconds of load",
      yLabel: "reads per second",
      series,
      marks: [{ x: first.killTimeS, label: "fault" }],
    },
  ];
}

/** Outputs of the steps of one phase. */
function stepsOf(outputs: Outputs, phase: string): readonly Readonly<Record<string, Json>>[] {
  return Object.entries(outputs).flatMap(([id, step]) => (id.startsWith(`${phase}/`) ? [step] : []));
}
