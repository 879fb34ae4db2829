/**
 * Runs a plan: starts what may start, side by side, until nothing is left or something has failed. The journal decides what is
 * left, so a run that another controller process began is run in the same way as a new one.
 */
import type { Clock } from "../../proto/base/clock.js";
import { CancelledError } from "../../proto/base/errors.js";
import type { Logger } from "../../proto/base/logger.js";
import type { Fence, Nodes } from "../ports.js";
import { failureReport } from "./aftermath.js";
import { CrashWatch } from "./crash-watch.js";
import type { Outcome } from "./entries.js";
import type { Plan } from "./plan.js";
import { ProgressReporter, type StepProgress } from "./progress.js";
import type { Step } from "./recipe.js";
import { RunAbandonedError, type RunJournal } from "./run-journal.js";
import { dueRescues, Rescues } from "./rescues.js";
import { startable } from "./schedule.js";
import { runStep } from "./step.js";
import { failureOf, type StepFailure } from "./step-failure.js";

export interface RunnerOptions {
  readonly plan: Plan;
  readonly journal: RunJournal;
  readonly nodes: Nodes;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly agentsBackAtMs: number;
  readonly fence: () => Fence;
  readonly onProgress: (progress: StepProgress) => void;
}

export class Runner {
  readonly #options: RunnerOptions;
  readonly #watch: CrashWatch;
  readonly #rescues: Rescues;
  readonly #stops = new Map<string, AbortController>();
  readonly #live = new Map<string, Promise<void>>();
  /** Steps this process has worked on and does not work on again, although the journal may call them running: they have failed. */
  readonly #over = new Set<string>();
  #stopping: boolean;
  #telling: Promise<void> | undefined;
  #abandoned: RunAbandonedError | undefined;

  constructor(options: RunnerOptions) {
    this.#options = options;
    const { nodes, logger, plan, journal } = options;
    const onCrash = (node: string, error: unknown) => this.#fail(this.#stepOn(node), failureOf(error));
    this.#watch = new CrashWatch({ nodes, logger, failureLines: plan.failureLines, onCrash });
    this.#rescues = new Rescues(options);
    this.#stopping = journal.state.failure !== undefined || journal.state.status === "cancelling";
  }

  /** Runs to the end; resolves with the outcome, everything before it journalled. Throws RunAbandonedError. */
  async run(): Promise<Outcome> {
    const { journal, plan } = this.#options;
    this.#watch.follow(journal.state.watches);
    try {
      for (;;) {
        const taken = new Set([...this.#live.keys(), ...this.#over]);
        // What an earlier process left begun and must be finished is taken up also when the run stops, but not by a process that leaves.
        const next = this.#abandoned === undefined ? startable(plan.steps, journal.state, taken, this.#stopping) : [];
        for (const step of next) this.#start(step);
        if (this.#live.size === 0) break;
        await Promise.race(this.#live.values());
      }
      await this.#telling;
      if (this.#abandoned !== undefined) throw this.#abandoned;
      return await this.#conclude();
    } finally {
      this.#watch.close();
    }
  }

  /** Whether anything is left to do, and so a lease is needed. */
  get hasWork(): boolean {
    const { journal, plan } = this.#options;
    const isRescuing = this.#stopping && dueRescues(plan.steps, journal.state).length > 0;
    return isRescuing || startable(plan.steps, journal.state, new Set(), this.#stopping).length > 0;
  }

  /** Stops what may be stopped, lets the rest finish; `run` then resolves. */
  async cancel(by: string): Promise<void> {
    if (this.#options.journal.state.status === "running") await this.#options.journal.append({ type: "cancelling", data: { by } });
    this.#stop(new CancelledError(`run ${this.#options.journal.state.id}: cancelled by ${by}`));
  }

  /** Fails the run because its lease has ended: its nodes may be somebody else's. */
  leaseLost(failure: StepFailure): void {
    this.#rescues.leaseLost();
    this.#fail(undefined, failure);
  }

  /** Leaves everything as it is, jobs running, for the next controller process; `run` then throws. */
  abandon(error: RunAbandonedError): void {
    if (this.#abandoned !== undefined) return;
    this.#abandoned = error;
    this.#stopping = true;
    for (const stop of this.#stops.values()) stop.abort(error);
    this.#rescues.abandon(error);
  }

  #start(step: Step): void {
    const done = this.#runStep(step).finally(() => this.#live.delete(step.id));
    this.#live.set(step.id, done);
  }

  async #runStep(step: Step): Promise<void> {
    const { journal, nodes, clock, agentsBackAtMs, fence, onProgress } = this.#options;
    const stop = new AbortController();
    this.#stops.set(step.id, stop);
    const progress = new ProgressReporter(clock, step, onProgress);
    try {
      const context = { step, node: nodes.node(step.node), journal, clock, agentsBackAtMs, fence, progress, signal: stop.signal };
      await runStep(context, () => this.#watch.follow(journal.state.watches));
    } catch (error) {
      this.#over.add(step.id);
      if (error instanceof RunAbandonedError) this.abandon(error);
      else if (this.#abandoned === undefined && !stop.signal.aborted) this.#fail(step, failureOf(error));
    } finally {
      progress.close();
      this.#stops.delete(step.id);
    }
  }

  /** The first failure stops the run and is told; what fails after it is its consequence. */
  #fail(step: Step | undefined, failure: StepFailure): void {
    if (this.#telling !== undefined || this.#abandoned !== undefined) return;
    const { id } = this.#options.journal.state;
    this.#telling = this.#tell(step, failure).catch((error: unknown) =>
      this.abandon(error instanceof RunAbandonedError ? error : new RunAbandonedError(id, "its failure cannot be told", { cause: error })),
    );
    this.#stop(new CancelledError(`run ${id}: stopped because ${failure.summary}`));
  }

  async #tell(step: Step | undefined, failure: StepFailure): Promise<void> {
    const { journal, nodes, clock } = this.#options;
    const report = await failureReport(failure, step ?? { id: "", node: "" }, journal.state, { nodes, clock });
    await journal.append({ type: "step-failed", data: { failure: report } });
  }

  #stop(reason: CancelledError): void {
    this.#stopping = true;
    for (const step of this.#options.plan.steps) {
      if (step.uninterruptible !== true) this.#stops.get(step.id)?.abort(reason);
    }
  }

  /** Steps left begun were stopped; brings their nodes back, and says how it all ended. */
  async #conclude(): Promise<Outcome> {
    const { journal, plan } = this.#options;
    const stopped = plan.steps.filter((step) => journal.state.steps[step.id]?.status === "running");
    if (stopped.length > 0) await journal.append(...stopped.map((step) => ({ type: "step-stopped" as const, data: { step: step.id } })));
    // What a node that is being brought back prints on its console fails nothing any more.
    this.#watch.close();
    await this.#rescues.run();
    if (journal.state.failure !== undefined) return "failed";
    const isDone = plan.steps.every((step) => journal.state.steps[step.id]?.status === "succeeded");
    return isDone ? "succeeded" : "cancelled";
  }

  /** The step that runs on a node now; else the one from which its console counts. */
  #stepOn(node: string): Step | undefined {
    const { plan, journal } = this.#options;
    const watching = journal.state.watches[node]?.step;
    return plan.steps.find((step) => step.node === node && this.#live.has(step.id)) ?? plan.steps.find((step) => step.id === watching);
  }
}
