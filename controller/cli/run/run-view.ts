/** A run as the screen shows it: a fold over its events. Pure. */
import type { Evidence, Failure, Plan, PlanStep, Rescue, RunEvent, StepProgress } from "../../../proto/gen/lab/v1/deployment.js";

export type StepStatus = "waiting" | "running" | "succeeded" | "failed";

export interface StepView {
  readonly step: PlanStep;
  readonly status: StepStatus;
  readonly beganMs: number;
  readonly endedMs: number;
  /** It stood already: nothing was done. */
  readonly standing: boolean;
  readonly progress: (StepProgress & { readonly toldMs: number }) | undefined;
}

/** `doing`: what it does now. */
export type RescueView = Rescue & { readonly doing: string };

export interface RunView {
  readonly plan: Plan | undefined;
  readonly leasedUntilMs: number;
  readonly steps: readonly StepView[];
  /** In the order they began. */
  readonly rescues: readonly RescueView[];
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
  rescues: [],
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
        steps: event.value.steps.map((step) => ({
          step,
          status: "waiting",
          beganMs: 0,
          endedMs: 0,
          standing: false,
          progress: undefined,
        })),
      };
    case "leasedUntilMs":
      return { ...view, leasedUntilMs: Number(event.value) };
    case "stepBegan":
      return withStep(view, event.value, (step) => ({ ...step, status: "running", beganMs: step.beganMs || timeMs }));
    case "stepSucceeded":
    case "stepStanding": {
      const standing = event.$case === "stepStanding";
      return withStep(view, event.value, (step) => ({ ...step, status: "succeeded", standing, endedMs: timeMs, progress: undefined }));
    }
    case "rescue":
      return withRescue(view, event.value);
    case "progress":
      if (event.value.step.endsWith("#rescue")) return withRescueProgress(view, event.value);
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

/** How the nodes stood when the run failed is true no more once one was brought back. */
function withRescue(view: RunView, told: Rescue): RunView {
  const { failure } = view;
  const others = view.rescues.filter((each) => each.step !== told.step);
  const rescues = [...others, { ...told, doing: "" }];
  if (told.summary === "" || failure === undefined) return { ...view, rescues };
  return { ...view, rescues, failure: { ...failure, state: [failure.state, told.summary].filter((each) => each !== "").join("; ") } };
}

function withRescueProgress(view: RunView, { step, doing }: StepProgress): RunView {
  return { ...view, rescues: view.rescues.map((each) => (`${each.step}#rescue` === step ? { ...each, doing } : each)) };
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
