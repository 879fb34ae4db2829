/** How long each phase of each migration took, from what its steps have put out. */
import type { Json, Outputs, Report } from "../../deploy/recipe.js";
import { copiedBy } from "./rsync.js";

interface Phase {
  readonly leg: number;
  readonly phase: "stop" | "transfer" | "resume";
  readonly seconds: number;
  readonly bytes: number | undefined;
}

const order = ["stop", "transfer", "resume"];

/** One row a phase, legs in order. Clocks of two machines are never compared: each phase is measured on one. */
export function reportPhases(outputs: Outputs): readonly Report[] {
  const phases = Object.entries(outputs)
    .flatMap(([step, values]) => phaseOf(step, values))
    .sort((a, b) => a.leg - b.leg || order.indexOf(a.phase) - order.indexOf(b.phase));
  if (phases.length === 0) return [];
  return [
    {
      kind: "table",
      name: "migrations",
      title: "Migrations, phase by phase",
      columns: ["leg", "phase", "seconds", "bytes"],
      rows: phases.map(({ leg, phase, seconds, bytes }) => [leg, phase, Number(seconds.toFixed(3)), bytes ?? ""]),
    },
  ];
}

function phaseOf(step: string, values: Readonly<Record<string, Json>>): Phase[] {
  const [phase, , number] = step.split("/");
  const leg = Number(number);
  const between = (from: string, to: string) => {
    const [begin, end] = [values[from], values[to]];
    return typeof begin === "number" && typeof end === "number" ? (end - begin) / 1000 : undefined;
  };
  if (phase === "stop") {
    const seconds = between("requestedMs", "stoppedMs");
    const bytes = values["bytes"];
    return seconds === undefined
      ? []
      : [{ leg, phase, seconds: Math.max(0, seconds), bytes: typeof bytes === "number" ? bytes : undefined }];
  }
  if (phase === "transfer") {
    const copied = copiedBy(values);
    return copied === undefined ? [] : [{ leg, phase, seconds: (copied.endedMs - copied.startedMs) / 1000, bytes: copied.bytes }];
  }
  if (phase === "ready" && leg > 0) {
    const seconds = between("startedMs", "readyMs");
    return seconds === undefined ? [] : [{ leg, phase: "resume", seconds: Math.max(0, seconds), bytes: undefined }];
  }
  return [];
}
