/**
 * What is done for nodes whose step has failed or was stopped, after all steps have ended and before the run gives the nodes back.
 * Journalled like a step, so that another controller process goes on with it; what it comes to changes neither the run's outcome
 * nor the failure that was told first.
 */
import { CancelledError } from "../../proto/base/errors.js";
import { ProgressReporter } from "./progress.js";
import type { Rescue, Step } from "./recipe.js";
import { rescueId } from "./rescue-record.js";
import { RunAbandonedError } from "./run-journal.js";
import type { RunState } from "./run-state.js";
import type { RunnerOptions } from "./runner.js";
import { agentIsThere } from "./step.js";
import { knownTo, type StepContext } from "./step-context.js";
import { failureOf } from "./step-failure.js";
import { workOff } from "./step-work.js";

type RescuedStep = Step & { readonly rescue: Rescue };

/** Steps whose rescue is to be done, or to be gone on with. Pure. A step that was stopped before its first act has done no harm. */
export function dueRescues(steps: readonly Step[], state: RunState): RescuedStep[] {
  return steps.filter((step): step is RescuedStep => step.rescue !== undefined && isDue(step, state));
}

function isDue(step: Step, state: RunState): boolean {
  const record = state.steps[step.id];
  const rescue = state.rescues[step.id]?.status ?? "waiting";
  if (record === undefined || record.status === "waiting" || record.status === "succeeded") return false;
  if (rescue === "done" || rescue === "failed") return false;
  return record.actsDone > 0 || record.actBegun !== undefined || !hasActs(step, state);
}

function hasActs(step: Step, state: RunState): boolean {
  try {
    return (step.acts?.(knownTo(step, state)) ?? []).length > 0;
  } catch {
    // The acts could not even be told.
    return true;
  }
}

export class Rescues {
  readonly #options: RunnerOptions;
  readonly #stop = new AbortController();

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** Does all that is due, side by side; resolves when everything about it is journalled. Throws RunAbandonedError. */
  async run(): Promise<void> {
    const { plan, journal } = this.#options;
    const results = await Promise.allSettled(dueRescues(plan.steps, journal.state).map((step) => this.#rescue(step)));
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }

  /** The nodes may be somebody else's from now on: nothing more is done to them. */
  leaseLost(): void {
    const { id } = this.#options.journal.state;
    this.#stop.abort(new CancelledError(`the lease of run ${id} has ended: the node may be somebody else's by now`));
  }

  abandon(error: RunAbandonedError): void {
    this.#stop.abort(error);
  }

  async #rescue(step: RescuedStep): Promise<void> {
    const { journal, nodes, clock, agentsBackAtMs, fence, onProgress } = this.#options;
    const { node, rescue } = step;
    const { signal } = this.#stop;
    const asStep: Step = {
      id: rescueId(step.id),
      phase: step.phase,
      node,
      title: rescue.title,
      needs: [],
      repeat: "verify",
      acts: rescue.acts,
      evidence: rescue.evidence,
    };
    const progress = new ProgressReporter(clock, asStep, onProgress);
    try {
      const context = { step: asStep, node: nodes.node(node), journal, clock, agentsBackAtMs, fence, progress, signal };
      if (signal.aborted) throw signal.reason;
      if (journal.state.rescues[step.id] === undefined) await begin(step, context);
      await workOff(context);
      const shown = rescue.evidence.map((each) => each.claim).join(", ");
      await this.#end(step, true, `${node} rescued: ${shown === "" ? rescue.title : shown}`);
    } catch (error) {
      if (error instanceof RunAbandonedError) throw error;
      if (signal.reason instanceof RunAbandonedError) throw signal.reason;
      await this.#end(step, false, this.#failed(step, error));
    } finally {
      progress.close();
    }
  }

  #end({ id, node, rescue: { title } }: RescuedStep, done: boolean, summary: string): Promise<void> {
    return this.#options.journal.append({ type: "rescue-ended", data: { step: id, node, title, done, summary } });
  }

  #failed({ node, rescue }: RescuedStep, error: unknown): string {
    const reason = this.#stop.signal.aborted ? (this.#stop.signal.reason as Error) : error;
    const { summary, cause } = failureOf(reason);
    const { deployment } = this.#options.journal.state.plan;
    const why = cause === "" ? summary : `${summary} (${cause})`;
    return `rescue of ${node} failed (${rescue.title}): ${why}; next: lab nodes, lab undeploy ${deployment}`;
  }
}

async function begin(step: RescuedStep, context: StepContext): Promise<void> {
  const agentConnected = await agentIsThere(context);
  const data = { step: step.id, node: step.node, title: step.rescue.title, agentConnected };
  await context.journal.append({ type: "rescue-began", data });
}
