/** Permission for acts of people: under the lease they name, the lease they hold, or a short one taken for the act. */
import { ConflictError } from "../../proto/base/errors.js";
import type { Peer } from "../../proto/rpc/peer.js";
import type { Fence, Leases } from "../ports.js";
import { callerName } from "./authorization.js";

/** Longer than acts take. It is given back when the act ends; this only bounds what a crash leaves behind. */
const actLeaseMs = 10 * 60_000;

export interface Act {
  readonly node: string;
  /** As the request carried it. */
  readonly fence: Fence | undefined;
  readonly caller: Peer | undefined;
  /** For whoever meets the lease: "power cycle". */
  readonly what: string;
  /** How long it may take, where that is longer than acts take. */
  readonly withinMs?: number;
}

export class Acting {
  readonly #leases: Leases;
  /** Acts under way in leases that were taken here: such a lease is given back when the last of them ends. */
  readonly #underWay = new Map<string, number>();

  constructor(leases: Leases) {
    this.#leases = leases;
  }

  /** Runs `work` with permission to act on the node. Throws ConflictError with holder, reason and expiry when somebody else holds it. */
  async run<T>(act: Act, work: (fence: Fence) => Promise<T>): Promise<T> {
    const held = await this.#leases.holding(act.node);
    if (act.fence !== undefined) {
      if (held?.id !== act.fence.leaseId || held.epoch !== act.fence.epoch) {
        throw new ConflictError(`node ${act.node}: lease ${act.fence.leaseId} is not in force on it any more; acquire a new one`, {
          facts: { node: act.node, lease: act.fence.leaseId },
        });
      }
      return work(act.fence);
    }
    const owner = callerName(act.caller);
    if (held?.owner === owner && !this.#underWay.has(held.id)) return work({ leaseId: held.id, epoch: held.epoch });
    // When somebody else holds it, this throws and says who, why and until when.
    const ttlMs = Math.max(actLeaseMs, act.withinMs ?? 0);
    const lease = held?.owner === owner ? held : await this.#leases.acquire({ nodes: [act.node], owner, reason: act.what, ttlMs });
    this.#underWay.set(lease.id, (this.#underWay.get(lease.id) ?? 0) + 1);
    try {
      return await work({ leaseId: lease.id, epoch: lease.epoch });
    } finally {
      await this.#leave(lease.id);
    }
  }

  async #leave(lease: string): Promise<void> {
    const others = (this.#underWay.get(lease) ?? 1) - 1;
    if (others > 0) return void this.#underWay.set(lease, others);
    this.#underWay.delete(lease);
    await this.#leases.release(lease);
  }
}
