/** Leases in memory, by the port's words. */
import type { Clock } from "../../../proto/base/clock.js";
import { ConflictError, NotFoundError } from "../../../proto/base/errors.js";
import type { Lease, Leases } from "../../../controller/ports.js";

export class MemoryLeases implements Leases {
  readonly #clock: Clock;
  readonly #leases = new Map<string, Lease>();
  #epoch = 0n;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async acquire(request: { nodes: readonly string[]; owner: string; reason: string; ttlMs: number }): Promise<Lease> {
    const held = (await this.list()).filter((lease) => lease.nodes.some((node) => request.nodes.includes(node)));
    if (held.length > 0) {
      throw new ConflictError(held.map((each) => `${each.nodes.join(" ")}: held by ${each.owner} (${each.reason})`).join("; "));
    }
    this.#epoch += 1n;
    const { nodes, owner, reason, ttlMs } = request;
    const grantedMs = Math.floor(this.#clock.now());
    const lease = { id: `lease-${this.#epoch}`, epoch: this.#epoch, nodes, owner, reason, grantedMs, expiresMs: grantedMs + ttlMs };
    this.#leases.set(lease.id, lease);
    return lease;
  }

  async renew(id: string, ttlMs: number): Promise<Lease> {
    const lease = (await this.list()).find((each) => each.id === id);
    if (lease === undefined) throw new NotFoundError(`lease ${id} has ended`);
    const renewed = { ...lease, expiresMs: Math.floor(this.#clock.now()) + ttlMs };
    this.#leases.set(id, renewed);
    return renewed;
  }

  async release(id: string): Promise<boolean> {
    return this.#leases.delete(id);
  }

  async list(): Promise<readonly Lease[]> {
    return [...this.#leases.values()].filter((lease) => lease.expiresMs > this.#clock.now());
  }

  async holding(node: string): Promise<Lease | undefined> {
    return (await this.list()).find((lease) => lease.nodes.includes(node));
  }
}
