/**
 * Who may act on which nodes, in the controller's database: survives a restart, ends by release or by the clock. Every lease ever
 * granted has a row, its number is the epoch, and a number is never given twice; agents refuse an epoch older than they have seen.
 */
import { randomUUID } from "node:crypto";
import type { Clock } from "../../proto/base/clock.js";
import { ConflictError, InvalidArgumentError, NotFoundError } from "../../proto/base/errors.js";
import type { Lease, Leases } from "../ports.js";
import { inTransaction, type Database } from "../records/database.js";

interface LeaseRow {
  readonly epoch: bigint;
  readonly id: string;
  readonly nodes: string;
  readonly owner: string;
  readonly reason: string;
  readonly granted_ms: bigint;
  readonly expires_ms: bigint;
}

/** Leases over an open database, which stays the caller's to close. */
export class SqliteLeases implements Leases {
  readonly #database: Database;
  readonly #clock: Clock;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  async acquire(request: { nodes: readonly string[]; owner: string; reason: string; ttlMs: number }): Promise<Lease> {
    const nodes = [...new Set(request.nodes)];
    if (nodes.length === 0) throw new InvalidArgumentError(`lease for ${request.owner}: names no node`);
    const nowMs = this.#clock.now();
    return inTransaction(this.#database, () => {
      const held = this.#inForce().filter((lease) => lease.nodes.some((node) => nodes.includes(node)));
      if (held.length > 0) throw conflict(nodes, held);
      const id = randomUUID();
      this.#database
        .prepare("INSERT INTO lease (id, nodes, owner, reason, granted_ms, expires_ms) VALUES (?, ?, ?, ?, ?, ?)")
        .run(id, JSON.stringify(nodes), request.owner, request.reason, Math.round(nowMs), Math.round(nowMs + request.ttlMs));
      return this.#get(id);
    });
  }

  async renew(id: string, ttlMs: number): Promise<Lease> {
    return inTransaction(this.#database, () => {
      const lease = this.#get(id);
      this.#database.prepare("UPDATE lease SET expires_ms = ? WHERE id = ?").run(Math.round(this.#clock.now() + ttlMs), lease.id);
      return this.#get(id);
    });
  }

  async release(id: string): Promise<boolean> {
    const nowMs = Math.round(this.#clock.now());
    const done = this.#database
      .prepare("UPDATE lease SET released_ms = ? WHERE id = ? AND released_ms IS NULL AND expires_ms > ?")
      .run(nowMs, id, nowMs);
    return done.changes > 0;
  }

  async list(): Promise<readonly Lease[]> {
    return this.#inForce();
  }

  async holding(node: string): Promise<Lease | undefined> {
    return this.#inForce().find((lease) => lease.nodes.includes(node));
  }

  #get(id: string): Lease {
    const lease = this.#inForce().find((each) => each.id === id);
    if (lease === undefined) throw new NotFoundError(`lease ${id}: has ended or never was; acquire a new one`, { facts: { lease: id } });
    return lease;
  }

  /** Oldest first. */
  #inForce(): readonly Lease[] {
    const select = this.#database.prepare("SELECT * FROM lease WHERE released_ms IS NULL AND expires_ms > ? ORDER BY epoch");
    select.setReadBigInts(true);
    return (select.all(Math.round(this.#clock.now())) as LeaseRow[]).map(leaseOf);
  }
}

function leaseOf(row: LeaseRow): Lease {
  return {
    id: row.id,
    epoch: row.epoch,
    nodes: JSON.parse(row.nodes) as string[],
    owner: row.owner,
    reason: row.reason,
    grantedMs: Number(row.granted_ms),
    expiresMs: Number(row.expires_ms),
  };
}

function conflict(nodes: readonly string[], held: readonly Lease[]): ConflictError {
  const holders = held.map((lease) => {
    const shared = lease.nodes.filter((node) => nodes.includes(node));
    const until = new Date(lease.expiresMs).toISOString();
    return `${shared.join(" ")}: held by ${lease.owner} (${lease.reason}) until ${until}`;
  });
  return new ConflictError(`${holders.join("; ")}; nothing was leased. Wait, or see: lab nodes`, {
    facts: { nodes: held.flatMap((lease) => lease.nodes.filter((node) => nodes.includes(node))).join(" ") },
  });
}
