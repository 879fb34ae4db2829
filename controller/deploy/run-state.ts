/** What a run is: the fold of its journal. Pure; a controller that starts anew knows exactly what the one before knew. */
import { InternalError } from "../../proto/base/errors.js";
import type { Evidence, Failure, Outcome, PlanView, RunEntries, RunEntry } from "./entries.js";
import type { Json, Outputs } from "./recipe.js";
import { rescueId, type RescueRecord, withRescueTold } from "./rescue-record.js";

export type StepStatus = "waiting" | "running" | "succeeded" | "failed" | "stopped";

export interface StepRecord {
  readonly status: StepStatus;
  readonly beganMs: number | undefined;
  readonly endedMs: number | undefined;
  /** Whether the node's agent was connected when the step began. */
  readonly agentConnected: boolean;
  /** Whether what it brings about stood already when it began; undefined when nobody has looked (yet). */
  readonly standing: boolean | undefined;
  /** Acts that are done: the index of the first that is not. */
  readonly actsDone: number;
  /** The act at `actsDone`, when it has begun; what came of it is not known. */
  readonly actBegun: { readonly bootId: string | undefined } | undefined;
  /** Requirements met, by index; for a console requirement with the ids of the expectations met so far. */
  readonly met: Readonly<Record<number, readonly string[]>>;
}

/** A node's console as its steps see it. */
export interface ConsoleRecord {
  /** The newest mark that moved the cursor: where to begin to read lines. */
  readonly mark: bigint;
  /** Lines before this offset count no more. */
  readonly cursor: bigint;
}

export interface RunState {
  readonly id: string;
  /** Sequence of the newest entry folded in. */
  readonly sequence: number;
  readonly status: "running" | "cancelling" | Outcome;
  readonly startedMs: number;
  readonly endedMs: number | undefined;
  readonly startedBy: string;
  readonly nonce: string;
  readonly parameters: Readonly<Record<string, Json>>;
  /** What was asked of the exercise; empty for deploy and undeploy. */
  readonly request: Readonly<Record<string, Json>>;
  readonly previous: Outputs;
  /** Undefined in journals that do not say it. */
  readonly recipe: string | undefined;
  readonly plan: PlanView;
  readonly lease: { readonly id: string; readonly epoch: bigint } | undefined;
  /** By step id; every step of the plan is there, and every rescue that has begun, under `rescueId` of its step. */
  readonly steps: Readonly<Record<string, StepRecord>>;
  /** By step id, in the order they began. */
  readonly rescues: Readonly<Record<string, RescueRecord>>;
  readonly consoles: Readonly<Record<string, ConsoleRecord>>;
  /** Nodes on whose console a crash fails the run, with the step and offset it counts from. */
  readonly watches: Readonly<Record<string, { readonly step: string; readonly from: bigint }>>;
  readonly outputs: Outputs;
  readonly evidence: readonly (Evidence & { readonly timeMs: number })[];
  /** The first failure: the one that ended the run. Its `state` says what rescues have done since. */
  readonly failure: Failure | undefined;
  /** How often a controller took it up again. */
  readonly resumes: number;
}

/** The state after all of `entries`, which begin with "planned". */
export function foldRun(entries: readonly RunEntry[]): RunState {
  const state = entries.reduce<RunState | undefined>(applyEntry, undefined);
  if (state === undefined) throw new InternalError("journal: a run without entries has no state");
  return state;
}

/** The state after one more entry. Throws InternalError when the entry cannot come next. */
export function applyEntry(state: RunState | undefined, entry: RunEntry): RunState {
  if (entry.type === "planned") return begin(entry, entry.data);
  if (state === undefined) throw new InternalError(`journal: run ${entry.runId} begins with "${entry.type}" instead of "planned"`);
  return { ...change(state, entry), sequence: entry.sequence };
}

const waiting: StepRecord = {
  status: "waiting",
  beganMs: undefined,
  endedMs: undefined,
  agentConnected: false,
  standing: undefined,
  actsDone: 0,
  actBegun: undefined,
  met: {},
};

function begin(entry: RunEntry, planned: RunEntries["planned"]): RunState {
  return {
    id: entry.runId,
    sequence: entry.sequence,
    status: "running",
    startedMs: entry.timeMs,
    endedMs: undefined,
    startedBy: planned.startedBy,
    nonce: planned.nonce,
    parameters: planned.parameters,
    request: planned.request ?? {},
    previous: planned.previous,
    recipe: planned.recipe,
    plan: planned.plan,
    lease: undefined,
    steps: Object.fromEntries(planned.plan.steps.map((step) => [step.id, waiting])),
    rescues: {},
    consoles: {},
    watches: {},
    outputs: {},
    evidence: [],
    failure: undefined,
    resumes: 0,
  };
}

function change(state: RunState, entry: Exclude<RunEntry, { type: "planned" }>): RunState {
  const { timeMs } = entry;
  switch (entry.type) {
    case "leased":
      return { ...state, lease: { id: entry.data.leaseId, epoch: BigInt(entry.data.epoch) } };
    case "step-began":
      return withStep(withConsole(state, entry.data), entry.data.step, {
        status: "running",
        beganMs: timeMs,
        agentConnected: entry.data.agentConnected,
      });
    case "act-began":
      return withStep(state, entry.data.step, { actBegun: { bootId: entry.data.bootId } });
    case "act-done":
      return withStep(withOutputs(state, entry.data.step, entry.data.outputs), entry.data.step, {
        actsDone: entry.data.act + 1,
        actBegun: undefined,
      });
    case "evidence":
      return withEvidence(state, entry.data, timeMs);
    case "not-standing":
      return withStep(state, entry.data.step, { standing: false });
    case "step-succeeded":
      return withStep(state, entry.data.step, {
        status: "succeeded",
        endedMs: timeMs,
        ...(entry.data.standing === true ? { standing: true } : {}),
      });
    case "step-stopped":
      return withStep(state, entry.data.step, { status: "stopped", endedMs: timeMs });
    case "step-failed": {
      const { failure } = entry.data;
      const isRunning = state.steps[failure.step]?.status === "running";
      const failed = isRunning ? withStep(state, failure.step, { status: "failed", endedMs: timeMs }) : state;
      return { ...failed, failure: state.failure ?? failure };
    }
    case "rescue-began":
      return withRescue(state, entry.data, timeMs);
    case "rescue-ended": {
      const { step, done } = entry.data;
      const told = { ...state, ...withRescueTold(state, entry.data) };
      const isBegun = state.steps[rescueId(step)] !== undefined;
      return isBegun ? withStep(told, rescueId(step), { status: done ? "succeeded" : "failed", endedMs: timeMs }) : told;
    }
    case "cancelling":
      return { ...state, status: "cancelling" };
    case "resumed":
      return { ...state, resumes: state.resumes + 1 };
    case "ended":
      return { ...state, status: entry.data.outcome, endedMs: timeMs, failure: state.failure ?? entry.data.failure };
  }
}

function withStep(state: RunState, step: string, change: Partial<StepRecord>): RunState {
  const record = state.steps[step];
  if (record === undefined) throw new InternalError(`journal: run ${state.id} names step "${step}", which is not in its plan`);
  return { ...state, steps: { ...state.steps, [step]: { ...record, ...change } } };
}

function withRescue(state: RunState, began: RunEntries["rescue-began"], timeMs: number): RunState {
  const { step, node, title, agentConnected } = began;
  const record: StepRecord = { ...waiting, status: "running", beganMs: timeMs, agentConnected };
  return {
    ...state,
    steps: { ...state.steps, [rescueId(step)]: record },
    rescues: { ...state.rescues, [step]: { step, node, title, status: "running", summary: "" } },
  };
}

function withConsole(state: RunState, began: RunEntries["step-began"]): RunState {
  const { [began.node]: watched, ...others } = state.watches;
  const untilHere = began.watch === "until-here" ? { ...state, watches: others } : state;
  if (began.mark === undefined) return untilHere;
  const mark = BigInt(began.mark);
  const marked = began.movesCursor
    ? { ...untilHere, consoles: { ...untilHere.consoles, [began.node]: { mark, cursor: mark } } }
    : untilHere;
  if (began.watch !== "from-here") return marked;
  return { ...marked, watches: { ...marked.watches, [began.node]: watched ?? { step: began.step, from: mark } } };
}

function withEvidence(state: RunState, data: RunEntries["evidence"], timeMs: number): RunState {
  const { step, node, source } = data.evidence;
  const seen = { ...withOutputs(state, step, data.outputs), evidence: [...state.evidence, { ...data.evidence, timeMs }] };
  const console = state.consoles[node];
  const moved =
    source.kind === "console" && console !== undefined
      ? { ...seen, consoles: { ...seen.consoles, [node]: { ...console, cursor: BigInt(source.endOffset) } } }
      : seen;
  if (data.requirement === undefined) return moved;
  const met = state.steps[step]?.met ?? {};
  const ids = data.expectation === undefined ? [] : [...(met[data.requirement] ?? []), data.expectation];
  return withStep(moved, step, { met: { ...met, [data.requirement]: ids } });
}

function withOutputs(state: RunState, step: string, outputs: Readonly<Record<string, Json>> | undefined): RunState {
  if (outputs === undefined || Object.keys(outputs).length === 0) return state;
  return { ...state, outputs: { ...state.outputs, [step]: { ...state.outputs[step], ...outputs } } };
}
