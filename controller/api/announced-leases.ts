/** Leases that tell the lab when they begin and end: by release, or by the clock. */
import type { Clock, Timer } from "../../proto/base/clock.js";
import type { Logger } from "../../proto/base/logger.js";
import type { Lease, Leases } from "../ports.js";
import type { EventBus } from "./event-bus.js";

export interface AnnouncedLeasesOptions {
  readonly leases: Leases;
  readonly events: EventBus;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class AnnouncedLeases implements Leases {
  readonly #leases: Leases;
  readonly #events: EventBus;
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** By lease, for those whose end has not been told. Whoever takes one out of here tells it. */
  readonly #expiries = new Map<string, Timer>();
  #closed = false;

  private constructor({ leases, events, clock, logger }: AnnouncedLeasesOptions) {
    this.#leases = leases;
    this.#events = events;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Waits for the end of leases that are in force already, too. */
  static async open(options: AnnouncedLeasesOptions): Promise<AnnouncedLeases> {
    const announced = new AnnouncedLeases(options);
    for (const lease of await options.leases.list()) announced.#awaitEnd(lease);
    return announced;
  }

  async acquire(request: Parameters<Leases["acquire"]>[0]): Promise<Lease> {
    const lease = await this.#leases.acquire(request);
    this.#awaitEnd(lease);
    this.#tell("lease-granted", lease);
    return lease;
  }

  async renew(id: string, ttlMs: number): Promise<Lease> {
    const lease = await this.#leases.renew(id, ttlMs);
    if (this.#forget(id)) this.#awaitEnd(lease);
    return lease;
  }

  async release(id: string): Promise<boolean> {
    const lease = await this.#find(id);
    const released = await this.#leases.release(id);
    if (released && lease !== undefined && this.#forget(id)) this.#tell("lease-ended", lease);
    return released;
  }

  list(): Promise<readonly Lease[]> {
    return this.#leases.list();
  }

  holding(node: string): Promise<Lease | undefined> {
    return this.#leases.holding(node);
  }

  /** Waits for no end any more; the leases stay as they are. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const id of this.#expiries.keys()) this.#forget(id);
  }

  #awaitEnd(lease: Lease): void {
    if (this.#closed) return;
    const leftMs = lease.expiresMs - this.#clock.now();
    const onDue = () => {
      this.#onDue(lease).catch((err: unknown) => this.#logger.error({ err, lease: lease.id }, "the end of a lease could not be told"));
    };
    this.#expiries.set(lease.id, this.#clock.after(leftMs, onDue, { background: true }));
  }

  /** A lease ends by the wall clock: when that was set meanwhile, its end is awaited anew. */
  async #onDue(lease: Lease): Promise<void> {
    const current = await this.#find(lease.id);
    if (!this.#forget(lease.id)) return;
    if (current === undefined) this.#tell("lease-ended", lease, " (expired)");
    else this.#awaitEnd(current);
  }

  /** False when its end was told already. */
  #forget(id: string): boolean {
    this.#expiries.get(id)?.cancel();
    return this.#expiries.delete(id);
  }

  async #find(id: string): Promise<Lease | undefined> {
    return (await this.#leases.list()).find((lease) => lease.id === id);
  }

  #tell(kind: "lease-granted" | "lease-ended", { nodes, owner, reason }: Lease, how = ""): void {
    for (const node of nodes) this.#events.publish(kind, node, `${owner}: ${reason}${how}`);
  }
}
