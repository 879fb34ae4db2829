/** A run that this controller process works on: journal, lease and runner together, and those who watch. */
import type { Clock } from "../../proto/base/clock.js";
import { NotFoundError } from "../../proto/base/errors.js";
import type { Logger } from "../../proto/base/logger.js";
import type { Fence, Leases, Nodes } from "../ports.js";
import type { Plan } from "./plan.js";
import type { StepProgress } from "./progress.js";
import { RunAbandonedError, type RunJournal } from "./run-journal.js";
import { RunLease } from "./run-lease.js";
import { Runner } from "./runner.js";
import type { StepFailure } from "./step-failure.js";

export interface World {
  readonly nodes: Nodes;
  readonly leases: Leases;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Monotonic time by which every agent that lives has found this controller. */
  readonly agentsBackAtMs: number;
}

export class LiveRun {
  readonly journal: RunJournal;
  readonly #world: World;
  readonly #runner: Runner;
  readonly #listeners = new Set<(progress: StepProgress) => void>();
  #lease: RunLease | undefined;
  #done: Promise<void> = Promise.resolve();

  constructor(journal: RunJournal, plan: Plan, world: World) {
    this.journal = journal;
    this.#world = world;
    const onProgress = (progress: StepProgress) => {
      for (const listener of this.#listeners) listener(progress);
    };
    this.#runner = new Runner({ ...world, plan, journal, fence: () => this.#fence(), onProgress });
  }

  /** Resolves when the run has ended or was abandoned; never rejects. */
  get done(): Promise<void> {
    return this.#done;
  }

  /** Takes the lease, if anything is left to do, and sets the run going. Throws ConflictError: then the run has not begun. */
  async start(): Promise<void> {
    const { leases, clock, logger } = this.#world;
    const onLost = (error: NotFoundError) => this.#runner.leaseLost(leaseLost(error));
    this.#lease = await RunLease.take(this.journal, this.#runner.hasWork, { leases, clock, logger, onLost });
    this.#done = this.#execute().catch((error: unknown) => this.#leave(error));
  }

  cancel(by: string): Promise<void> {
    return this.#runner.cancel(by);
  }

  /** Stops working on the run without touching it; another controller process resumes it. Resolves when nothing is done any more. */
  async abandon(reason: string): Promise<void> {
    this.journal.abandon(reason);
    this.#runner.abandon(new RunAbandonedError(this.journal.state.id, reason));
    await this.#done;
  }

  /** Calls `listener` for what running steps do; returns how to stop that. */
  onProgress(listener: (progress: StepProgress) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #execute(): Promise<void> {
    const outcome = await this.#runner.run();
    // Before "ended": whoever waits for it finds the nodes free.
    await this.#lease?.release();
    await this.journal.append({ type: "ended", data: { outcome } });
    this.#world.logger.info({ run: this.journal.state.id, outcome }, "run ended");
  }

  #leave(error: unknown): void {
    this.#lease?.close();
    this.journal.abandon("it was given up", error);
    const isExpected = error instanceof RunAbandonedError && error.cause === undefined;
    this.#world.logger[isExpected ? "info" : "error"]({ err: error, run: this.journal.state.id }, "run left as it stands");
  }

  #fence(): Fence {
    if (this.#lease === undefined) throw new NotFoundError(`run ${this.journal.state.id}: has no lease`);
    return this.#lease.fence;
  }
}

function leaseLost(error: NotFoundError): StepFailure {
  return {
    summary: "the lease of the run has ended under it: somebody released it, or this controller stood still for too long",
    cause: error.message,
    evidence: [],
    blame: "lab",
  };
}
