/** What a step works with while it runs. */
import type { Clock } from "../../proto/base/clock.js";
import type { Fence, NodeHandle } from "../ports.js";
import type { ProgressReporter } from "./progress.js";
import type { Known, Step } from "./recipe.js";
import { isRescueId } from "./rescue-record.js";
import type { RunJournal } from "./run-journal.js";
import type { RunState } from "./run-state.js";

export interface StepContext {
  readonly step: Step;
  readonly node: NodeHandle;
  readonly journal: RunJournal;
  readonly clock: Clock;
  /** Monotonic time by which every agent that lives has found this controller. */
  readonly agentsBackAtMs: number;
  /** The lease in force now. */
  readonly fence: () => Fence;
  readonly progress: ProgressReporter;
  /** Aborts when the step is to stop: with RunAbandonedError when what it started is to go on without us. */
  readonly signal: AbortSignal;
}

/** What `step` may know: what finished steps put out, itself so far, and what was so when it began. */
export function knownTo(step: Step, state: RunState, agentConnected = state.steps[step.id]?.agentConnected ?? false): Known {
  // A rescue comes after what has failed: what that got to know is all there is to go by.
  const isTold = (id: string) => id === step.id || isRescueId(step.id) || state.steps[id]?.status === "succeeded";
  const told = Object.entries(state.outputs).filter(([id]) => isTold(id));
  return { runId: state.id, nonce: state.nonce, outputs: Object.fromEntries(told), agentConnected };
}
