/** What a run's journal knows of the rescue of a step. Pure. */
import type { Failure, RunEntries } from "./entries.js";

export interface RescueRecord {
  readonly step: string;
  readonly node: string;
  readonly title: string;
  readonly status: "running" | "done" | "failed";
  /** "p0 rescued: the old kernel runs"; "" while it runs. */
  readonly summary: string;
}

const suffix = "#rescue";

/** The step id under which the rescue of a step acts, proves and is remembered. */
export function rescueId(step: string): string {
  return `${step}${suffix}`;
}

export function isRescueId(step: string): boolean {
  return step.endsWith(suffix);
}

interface Told {
  readonly rescues: Readonly<Record<string, RescueRecord>>;
  readonly failure: Failure | undefined;
}

/** After a rescue has ended. How the nodes stood when the run failed is true no more, so the failure says it too. */
export function withRescueTold({ rescues, failure }: Told, ended: RunEntries["rescue-ended"]): Told {
  const { step, node, title, done, summary } = ended;
  const known: RescueRecord = { step, node, title, status: done ? "done" : "failed", summary };
  const state = failure === undefined || failure.state === "" ? summary : `${failure.state}; ${summary}`;
  return { rescues: { ...rescues, [step]: known }, failure: failure && { ...failure, state } };
}
