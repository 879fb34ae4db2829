/** What the checkpoints of a run took and reached, as a table and a chart. */
import type { Json, Outputs, Report } from "../../deploy/recipe.js";

interface Checkpoint {
  readonly number: number;
  readonly dump: Readonly<Record<string, Json>>;
  readonly restore: Readonly<Record<string, Json>>;
}

export function reports(outputs: Outputs): readonly Report[] {
  const checkpoints = checkpointsOf(outputs);
  if (checkpoints.length === 0) return [];
  return [
    {
      kind: "table",
      name: "checkpoints",
      title: "Checkpoints",
      columns: ["checkpoint", "at", "dump s", "bytes", "restore s", "went on at", "reached"],
      rows: checkpoints.map(({ number, dump, restore }) => [
        number,
        count(dump["at"]),
        inSeconds(dump["dumpMs"]),
        count(dump["bytes"]),
        inSeconds(restore["restoreMs"]),
        count(restore["resumedAt"]),
        count(restore["reached"]),
      ]),
    },
    chart(outputs, checkpoints),
  ];
}

function checkpointsOf(outputs: Outputs): Checkpoint[] {
  return Object.entries(outputs)
    .flatMap(([id, dump]) => {
      const [phase, node, number] = id.split("/");
      if (phase !== "dump" || number === undefined || dump["at"] === undefined) return [];
      return [{ number: Number(number), dump, restore: outputs[`restore/${node}/${number}`] ?? {} }];
    })
    .sort((a, b) => a.number - b.number);
}

/** Time runs from the start of the sample. */
function chart(outputs: Outputs, checkpoints: readonly Checkpoint[]): Report {
  const sample = Object.entries(outputs).find(([id]) => id.startsWith("sample/"))?.[1] ?? {};
  const started = sample["sample"];
  const fromMs =
    typeof started === "object" && started !== null && "startedMs" in started ? Number(started.startedMs) : Number(sample["seenMs"] ?? 0);
  const seen = Object.entries(outputs)
    .filter(([id]) => /^(?:sample|ready)\//.test(id))
    .map(([, each]) => point(each["seenMs"], each["at"], fromMs));
  const marks = checkpoints.map(({ number, dump }) => ({ x: since(dump["dumpedMs"], fromMs), label: `checkpoint ${number}` }));
  const points = [
    [0, 0] as const,
    ...seen,
    ...checkpoints.flatMap(({ dump, restore }) => [
      point(dump["dumpedMs"], dump["at"], fromMs),
      point(restore["seenMs"], restore["reached"], fromMs),
    ]),
  ].filter((each) => each !== undefined);
  return {
    kind: "chart",
    name: "progress",
    title: "Progress of the sample, with its checkpoints",
    xLabel: "seconds",
    yLabel: "done",
    series: [{ name: "sample", points: points.sort(([a], [b]) => a - b) }],
    marks,
  };
}

function point(ms: Json | undefined, at: Json | undefined, fromMs: number): readonly [number, number] | undefined {
  return typeof ms === "number" && typeof at === "number" ? [since(ms, fromMs), at] : undefined;
}

function since(ms: Json | undefined, fromMs: number): number {
  return Math.round((Number(ms ?? fromMs) - fromMs) / 10) / 100;
}

function inSeconds(ms: Json | undefined): number | string {
  return typeof ms === "number" ? Math.round(ms / 10) / 100 : "";
}

function count(value: Json | undefined): number | string {
  return typeof value === "number" ? value : "";
}
