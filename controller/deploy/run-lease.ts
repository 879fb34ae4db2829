/** The lease of a run: short, so that the nodes of a dead controller are free soon, and renewed while the run goes on. */
import type { Clock, Timer } from "../../proto/base/clock.js";
import { NotFoundError } from "../../proto/base/errors.js";
import type { Logger } from "../../proto/base/logger.js";
import type { Fence, Lease, Leases } from "../ports.js";
import { commandWords } from "./command-words.js";
import type { RunJournal } from "./run-journal.js";

const ttlMs = 120_000;
const renewEveryMs = 30_000;
const ownerPrefix = "run:";

export interface RunLeaseOptions {
  readonly leases: Leases;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The lease has ended under the run: released by somebody, or not renewed in time. */
  readonly onLost: (error: NotFoundError) => void;
}

export class RunLease {
  readonly #options: RunLeaseOptions;
  readonly #lease: Lease;
  #timer: Timer | undefined;
  #closed = false;

  private constructor(lease: Lease, options: RunLeaseOptions) {
    this.#lease = lease;
    this.#options = options;
    this.#renewLater();
  }

  /**
   * The run's lease when it is still in force, else a new one if it is `needed`; journalled when the journal does not know it yet.
   * Throws ConflictError when somebody else has one of the nodes.
   */
  static async take(journal: RunJournal, needed: boolean, options: RunLeaseOptions): Promise<RunLease | undefined> {
    const { id, lease: known, plan } = journal.state;
    const owner = `${ownerPrefix}${id}`;
    const reason = commandWords(plan);
    const held = (await options.leases.list()).find((each) => each.owner === owner);
    if (held === undefined && !needed) return undefined;
    const lease =
      held === undefined
        ? await options.leases.acquire({ nodes: plan.nodes, owner, reason, ttlMs })
        : await options.leases.renew(held.id, ttlMs);
    if (lease.id !== known?.id) {
      const data = { leaseId: lease.id, epoch: lease.epoch.toString(), expiresMs: lease.expiresMs };
      await journal.append({ type: "leased", data });
    }
    return new RunLease(lease, options);
  }

  get fence(): Fence {
    return { leaseId: this.#lease.id, epoch: this.#lease.epoch };
  }

  /** Gives the nodes back. */
  async release(): Promise<void> {
    this.close();
    await this.#options.leases.release(this.#lease.id);
  }

  /** Renews no more: the lease runs out unless another controller process takes the run up. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #renewLater(): void {
    this.#timer = this.#options.clock.after(renewEveryMs, () => void this.#renew(), { background: true });
  }

  async #renew(): Promise<void> {
    try {
      await this.#options.leases.renew(this.#lease.id, ttlMs);
    } catch (error) {
      if (this.#closed) return;
      if (error instanceof NotFoundError) return this.#options.onLost(error);
      this.#options.logger.error({ err: error, lease: this.#lease.id }, "a lease could not be renewed");
    }
    if (!this.#closed) this.#renewLater();
  }
}

/** The run a lease belongs to; undefined for leases of people. */
export function runOfLease(lease: Lease): string | undefined {
  return lease.owner.startsWith(ownerPrefix) ? lease.owner.slice(ownerPrefix.length) : undefined;
}
