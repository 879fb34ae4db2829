/** A run as the screen shows it: a fold over its events. Pure. */
import type { Evidence, Failure, Plan, PlanStep, RunEvent, StepProgress } from "../../../proto/gen/lab/v1/deployment.js";

export type StepStatus = "waiting" | "running" | "succeeded" | "failed";

export interface StepView {
  readonly step: PlanStep;
  readonly status: StepStatus;
  readonly beganMs: number;
  readonly endedMs: number;
  readonly progress: (StepProgress & { readonly toldMs: number }) | undefined;
}

export interface RunView {
  readonly plan: Plan | undefined;
  readonly leasedUntilMs: number;
  readonly steps: readonly StepView[];
  readonly evidence: readonly Evidence[];
  readonly failure: Failure | undefined;
  /** "" while it runs. */
  readonly ended: string;
  readonly startedMs: number;
  readonly lastMs: number;
  readonly cancelling: boolean;
}

export const emptyRun: RunView = {
  plan: undefined,
  leasedUntilMs: 0,
  steps: [],
  evidence: [],
  failure: undefined,
  ended: "",
  startedMs: 0,
  lastMs: 0,
  cancelling: false,
};

export function foldRun(before: RunView, told: RunEvent): RunView {
  const timeMs = Number(told.timeMs);
  const view = { ...before, startedMs: before.startedMs || timeMs, lastMs: Math.max(before.lastMs, timeMs) };
  const event = told.event;
  switch (event?.$case) {
    case "planned":
      return {
        ...view,
        plan: event.value,
        steps: event.value.steps.map((step) => ({ step, status: "waiting", beganMs: 0, endedMs: 0, progress: undefined })),
      };
    case "leasedUntilMs":
      return { ...view, leasedUntilMs: Number(event.value) };
    case "stepBegan":
      return withStep(view, event.value, (step) => ({ ...step, status: "running", beganMs: step.beganMs || timeMs }));
    case "stepSucceeded":
      return withStep(view, event.value, (step) => ({ ...step, status: "succeeded", endedMs: timeMs, progress: undefined }));
    case "progress":
      return withStep(view, event.value.step, (step) =>
        step.status === "running" ? { ...step, progress: { ...event.value, toldMs: timeMs } } : step,
      );
    case "evidence":
      return { ...view, evidence: [...view.evidence, event.value] };
    case "failed":
      return withStep({ ...view, failure: event.value }, event.value.step, (step) => ({ ...step, status: "failed", endedMs: timeMs }));
    case "ended":
      return { ...view, ended: event.value };
    case "cancelling":
      return { ...view, cancelling: true };
    default:
      return view;
  }
}

function withStep(view: RunView, id: string, change: (step: StepView) => StepView): RunView {
  return { ...view, steps: view.steps.map((each) => (each.step.id === id ? change(each) : each)) };
}

export interface PhaseView {
  readonly name: string;
  readonly steps: readonly StepView[];
  readonly status: StepStatus;
  readonly nodes: readonly string[];
}

/** Steps by phase, in plan order. A phase runs while any of its steps does, or while some but not all are done. */
export function phasesOf(view: RunView): PhaseView[] {
  const names = [...new Set(view.steps.map((each) => each.step.phase))];
  return names.map((name) => {
    const steps = view.steps.filter((each) => each.step.phase === name);
    return { name, steps, status: phaseStatus(steps), nodes: [...new Set(steps.flatMap((each) => each.step.nodes))] };
  });
}

function phaseStatus(steps: readonly StepView[]): StepStatus {
  if (steps.some((each) => each.status === "failed")) return "failed";
  if (steps.every((each) => each.status === "succeeded")) return "succeeded";
  return steps.some((each) => each.status !== "waiting") ? "running" : "waiting";
}

/** Milliseconds a node spent in a phase; 0 before it began. */
export function spentMs(phase: PhaseView, node: string): number {
  const steps = phase.steps.filter((each) => each.step.nodes.includes(node) && each.beganMs > 0);
  if (steps.length === 0) return 0;
  return Math.max(...steps.map((each) => each.endedMs || each.beganMs)) - Math.min(...steps.map((each) => each.beganMs));
}
