/**
 * The journal of one run while a controller works on it: one writer, appends in order, the folded state always at hand.
 * When the journal cannot be written (disk full, another controller wrote, we are shutting down) the run is abandoned here: nothing
 * more is begun, nothing is undone, and whoever opens the journal next goes on from what is written.
 */
import type { Clock } from "../../proto/base/clock.js";
import { InternalError, type ErrorDetails, NotFoundError } from "../../proto/base/errors.js";
import type { Journal } from "../ports.js";
import { asRunEntry, type RunEntries, type RunFact } from "./entries.js";
import { applyEntry, foldRun, type RunState } from "./run-state.js";

/** This controller may not go on with the run; another start of it will. */
export class RunAbandonedError extends InternalError {
  constructor(runId: string, reason: string, details?: ErrorDetails) {
    super(`run ${runId}: left as it stands, to be resumed when the controller starts again: ${reason}`, details);
  }
}

export class RunJournal {
  readonly #journal: Journal;
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();
  #state: RunState;
  #tail: Promise<unknown> = Promise.resolve();
  #abandoned: RunAbandonedError | undefined;

  private constructor(journal: Journal, clock: Clock, state: RunState) {
    this.#journal = journal;
    this.#clock = clock;
    this.#state = state;
  }

  /** A new run. Throws ConflictError when its id is taken. */
  static async begin(journal: Journal, clock: Clock, runId: string, planned: RunEntries["planned"]): Promise<RunJournal> {
    const entries = await journal.append(runId, 0, [{ type: "planned", data: planned, timeMs: clock.now() }]);
    return new RunJournal(journal, clock, foldRun(entries.map(asRunEntry)));
  }

  /** A run that another controller process began. Throws NotFoundError. */
  static async open(journal: Journal, clock: Clock, runId: string): Promise<RunJournal> {
    const entries = await journal.read(runId);
    if (entries.length === 0) throw new NotFoundError(`run ${runId}: there is no such run`, { facts: { run: runId } });
    return new RunJournal(journal, clock, foldRun(entries.map(asRunEntry)));
  }

  get state(): RunState {
    return this.#state;
  }

  /**
   * Writes facts, all or none, after everything appended before; resolves when they survive a crash. Nothing is said of a run after
   * its end: a cancel or a crash that comes too late is let go. Throws RunAbandonedError.
   */
  append(...facts: readonly RunFact[]): Promise<void> {
    const done = this.#tail.then(() => this.#write(facts));
    this.#tail = done.catch(() => undefined);
    return done;
  }

  /** From here on nothing is written: every append throws RunAbandonedError. */
  abandon(reason: string, cause?: unknown): void {
    this.#abandoned ??= new RunAbandonedError(this.#state.id, reason, { cause });
  }

  /** Calls `listener` after every append; returns how to stop that. */
  onAppend(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #write(facts: readonly RunFact[]): Promise<void> {
    if (this.#abandoned !== undefined) throw this.#abandoned;
    if (this.#state.endedMs !== undefined) return;
    const timeMs = this.#clock.now();
    try {
      const entries = await this.#journal.append(
        this.#state.id,
        this.#state.sequence,
        facts.map((fact) => ({ ...fact, timeMs })),
      );
      this.#state = entries.map(asRunEntry).reduce<RunState>(applyEntry, this.#state);
    } catch (error) {
      this.abandon("its journal cannot be written", error);
      throw this.#abandoned ?? error;
    }
    for (const listener of this.#listeners) listener();
  }
}
