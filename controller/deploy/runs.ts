/** All runs of the controller: plans, starts, watches, cancels and resumes them. */
import { randomBytes } from "node:crypto";
import { unlessAborted } from "../../proto/base/abort.js";
import { ConflictError, describeError, NotFoundError } from "../../proto/base/errors.js";
import type { Lab } from "../../inventory/model.js";
import type { Journal, RunHead } from "../ports.js";
import { failureWithoutStep } from "./aftermath.js";
import { asRunEntry, type RunEntry } from "./entries.js";
import { LiveRun, type World } from "./live-run.js";
import { makePlan, type Plan, type Recipes } from "./plan.js";
import type { Direction, Json, Outputs } from "./recipe.js";
import { previousOutputs } from "./previous-outputs.js";
import { runFeed, type RunEvent } from "./run-feed.js";
import { newRunId, type RandomBytes } from "./run-id.js";
import { RunAbandonedError, RunJournal } from "./run-journal.js";
import { runOfLease } from "./run-lease.js";
import { foldRun, type RunState } from "./run-state.js";
import { failureOf } from "./step-failure.js";

export interface RunRegistryOptions extends World {
  /** The inventory in force now. */
  readonly lab: () => Lab;
  readonly recipes: Recipes;
  readonly journal: Journal;
  readonly random?: RandomBytes;
  /** Told when a run goes, also when it goes on after a restart, and when it has ended or was let go. */
  readonly announce?: (what: "started" | "ended", run: RunState) => void;
}

export interface RunRequest {
  /** A deployment's name, or the id of one of its runs. */
  readonly deployment: string;
  readonly direction: Direction;
  /** Replace the inventory's. */
  readonly parameters: Readonly<Record<string, Json>>;
  /** For "run": which exercise; "" or absent: the recipe's first. */
  readonly exercise?: string;
  /** For "run": what is asked of the exercise. */
  readonly request?: Readonly<Record<string, Json>>;
}

interface Waiting {
  readonly signal?: AbortSignal | undefined;
}

/** What is remembered of every run: enough to find it. */
interface Known {
  readonly id: string;
  readonly deployment: string;
  readonly direction: Direction;
}

export class RunRegistry {
  readonly #options: RunRegistryOptions;
  readonly #live = new Map<string, LiveRun>();
  /** Newest first. */
  readonly #known: Known[];
  readonly #unfinished: readonly string[];
  /** Resolves when unfinished runs have been taken up: until then nobody knows who works on what. */
  readonly #recovered: Promise<void>;
  #onRecovered: () => void = () => {};

  /** `heads`: what the journal has when the controller starts. Nothing is resumed yet: see `resumeAll`. */
  constructor(options: RunRegistryOptions, heads: readonly RunHead[]) {
    this.#options = options;
    this.#known = heads.flatMap((head) => knownOf(asRunEntry(head.first)));
    this.#unfinished = heads.filter((head) => head.last.type !== "ended").map((head) => head.runId);
    this.#recovered = new Promise((resolve) => (this.#onRecovered = resolve));
    if (this.#unfinished.length === 0) this.#onRecovered();
  }

  /** The plan of a deployment, touching nothing. Throws what makePlan throws. */
  async plan(asked: RunRequest): Promise<Plan> {
    const request = this.#resolved(asked);
    return this.#planFrom(request, await this.#previous(request));
  }

  /** Plans, journals, leases, sets going; returns as soon as the run goes. Throws what makePlan throws, and ConflictError. */
  async start(asked: RunRequest, startedBy: string): Promise<RunState> {
    await this.#recovered;
    const request = this.#resolved(asked);
    const { clock, journal, random = randomBytes } = this.#options;
    // What a run still going puts out later would be missing from the plan, should it end before the nodes are leased.
    const going = [...this.#live.values()].find((run) => run.journal.state.plan.deployment === request.deployment);
    const previous = await this.#previous(request);
    const plan = this.#planFrom(request, previous);
    if (going !== undefined) throw goesOn(going.journal.state);
    const { id, nonce } = this.#freeRunId(random);
    const { parameters, request: options = {} } = request;
    const planned = { plan: plan.view, nonce, startedBy, parameters, request: options, previous, recipe: plan.recipe };
    const run = new LiveRun(await RunJournal.begin(journal, clock, id, planned), plan, this.#options);
    this.#known.unshift({ id, deployment: request.deployment, direction: request.direction });
    try {
      await this.#setGoing(run);
    } catch (error) {
      const failure = failureWithoutStep(failureOf(error), "this run has touched nothing", run.journal.state);
      await run.journal.append({ type: "ended", data: { outcome: "failed", failure } });
      throw error;
    }
    return run.journal.state;
  }

  /** Takes up every run that has no end; whoever starts, watches or cancels waits for it. Returns the ids of those that go on. */
  async resumeAll(): Promise<readonly string[]> {
    await this.#releaseEnded();
    for (const id of this.#unfinished) await this.#resume(id);
    this.#onRecovered();
    return this.#unfinished.filter((id) => this.#live.has(id));
  }

  /** The run's events from this sequence on, then live, until it has ended. Throws NotFoundError. */
  async *watch(id: string, fromSequence: number, options: Waiting = {}): AsyncGenerator<RunEvent, void, undefined> {
    this.#find(id);
    await unlessAborted(this.#recovered, options.signal);
    const { journal, clock } = this.#options;
    yield* runFeed({ id, journal, live: this.#live.get(id), now: () => clock.now() }, fromSequence, options);
  }

  /**
   * Asks the run to stop cleanly; resolves when it has ended, also when it had already. Throws NotFoundError, the signal's reason,
   * and RunAbandonedError when this controller has let go of the run.
   */
  async cancel(id: string, by: string, options: Waiting = {}): Promise<RunState> {
    this.#find(id);
    await unlessAborted(this.#recovered, options.signal);
    const live = this.#live.get(id);
    if (live !== undefined) {
      await live.cancel(by);
      await unlessAborted(live.done, options.signal);
    }
    const state = await this.get(id);
    if (state.endedMs === undefined) throw new RunAbandonedError(id, "no controller works on it now");
    return state;
  }

  /** A run by its id, or a deployment's newest by the deployment's name. Throws NotFoundError. */
  async get(idOrDeployment: string): Promise<RunState> {
    const id = this.#known.find((each) => each.deployment === idOrDeployment)?.id ?? idOrDeployment;
    this.#find(id);
    return this.#live.get(id)?.journal.state ?? foldRun((await this.#options.journal.read(id)).map(asRunEntry));
  }

  /** The deployment of a run; what is no run's id is taken for a deployment's name. */
  deploymentOf(runOrDeployment: string): string {
    return this.#known.find((each) => each.id === runOrDeployment)?.deployment ?? runOrDeployment;
  }

  /** Newest first. */
  async list(filter: { deployment?: string | undefined; limit: number }): Promise<readonly RunState[]> {
    const wanted = this.#known.filter((each) => filter.deployment === undefined || each.deployment === filter.deployment);
    return Promise.all(wanted.slice(0, filter.limit).map((each) => this.get(each.id)));
  }

  /** Leaves every run as it stands, to be resumed. Idempotent. */
  async close(): Promise<void> {
    await Promise.all([...this.#live.values()].map((run) => run.abandon("the controller is shutting down")));
  }

  async #setGoing(run: LiveRun): Promise<void> {
    await run.start();
    const { id } = run.journal.state;
    this.#live.set(id, run);
    this.#options.announce?.("started", run.journal.state);
    void run.done.then(() => {
      this.#live.delete(id);
      this.#options.announce?.("ended", run.journal.state);
    });
  }

  async #resume(id: string): Promise<void> {
    const { journal, clock, lab, recipes, logger } = this.#options;
    const runJournal = await RunJournal.open(journal, clock, id);
    const { plan: planned, parameters, request, previous } = runJournal.state;
    try {
      const plan = makePlan({ ...planned, parameters, request, previous }, lab(), recipes);
      if (plan.view.digest !== planned.digest) {
        throw new ConflictError("inventory or recipe have changed since: the plan would be another one now");
      }
      await runJournal.append({ type: "resumed", data: { reason: "the controller was restarted" } });
      await this.#setGoing(new LiveRun(runJournal, plan, this.#options));
      logger.info({ run: id }, "run resumed");
    } catch (error) {
      logger.warn({ err: error, run: id }, "run cannot be resumed");
      const reason = { summary: "the controller was restarted and cannot go on with this run", cause: describeError(error) };
      const failure = failureWithoutStep({ ...reason, blame: "lab" }, "as its last step left them; see: lab nodes", runJournal.state);
      await runJournal.append({ type: "ended", data: { outcome: "unknown", failure } });
    }
  }

  /** A controller that dies between the end of a run and the end of its lease leaves nodes leased to nobody. */
  async #releaseEnded(): Promise<void> {
    const { leases } = this.#options;
    for (const lease of await leases.list()) {
      const run = runOfLease(lease);
      if (run !== undefined && !this.#unfinished.includes(run)) await leases.release(lease.id);
    }
  }

  #planFrom(request: RunRequest, previous: Outputs): Plan {
    return makePlan({ ...request, previous }, this.#options.lab(), this.#options.recipes);
  }

  async #previous({ deployment, direction }: RunRequest): Promise<Outputs> {
    return direction === "deploy" ? {} : previousOutputs(this.#runsOf(deployment));
  }

  /** Newest first. */
  async *#runsOf(deployment: string): AsyncGenerator<RunState, void, undefined> {
    for (const { id } of this.#known.filter((each) => each.deployment === deployment)) yield this.get(id);
  }

  #resolved(request: RunRequest): RunRequest {
    return { ...request, deployment: this.deploymentOf(request.deployment) };
  }

  #freeRunId(random: RandomBytes): { id: string; nonce: string } {
    for (;;) {
      const chosen = newRunId(this.#options.clock, random);
      if (!this.#known.some((each) => each.id === chosen.id)) return chosen;
    }
  }

  #find(id: string): void {
    if (this.#known.some((each) => each.id === id)) return;
    throw new NotFoundError(`run ${id}: there is no such run; see: lab deployments`, { facts: { run: id } });
  }
}

function goesOn({ id, plan }: RunState): ConflictError {
  const way = `watch it: lab watch ${id}, or end it: lab cancel ${id}`;
  return new ConflictError(`deployment ${plan.deployment}: its run ${id} goes on; ${way}`, { facts: { run: id } });
}

function knownOf(entry: RunEntry): Known[] {
  if (entry.type !== "planned") return [];
  const { deployment, direction } = entry.data.plan;
  return [{ id: entry.runId, deployment, direction }];
}
