/** LeaseService: who may act on which nodes. */
import { selectNodes } from "../../inventory/select.js";
import type { Lab } from "../../inventory/model.js";
import { InvalidArgumentError, NotFoundError, PermissionError } from "../../proto/base/errors.js";
import type { Lease as WireLease, LeaseServiceService } from "../../proto/gen/lab/v1/lease.js";
import type { Implementation } from "../../proto/rpc/service.js";
import type { Lease, Leases } from "../ports.js";
import { callerName } from "./authorization.js";

const longestMs = 24 * 3_600_000;

export function createLeaseService({ lab, leases }: { lab: Lab; leases: Leases }): Implementation<typeof LeaseServiceService> {
  const own = async (id: string, caller: string) => {
    const lease = (await leases.list()).find((each) => each.id === id);
    if (lease !== undefined && lease.owner !== caller) {
      throw new PermissionError(`lease ${id}: held by ${lease.owner} (${lease.reason}), not by ${caller}`, { facts: { lease: id } });
    }
    return lease;
  };
  return {
    async acquire({ nodeset, ttlMs, reason }, { peer }) {
      const nodes = selectNodes(lab, nodeset).map((node) => node.name);
      return toWire(await leases.acquire({ nodes, owner: callerName(peer), reason, ttlMs: checkLife(ttlMs) }));
    },
    async renew({ id, ttlMs }, { peer }) {
      const lease = await own(id, callerName(peer));
      if (lease === undefined) throw new NotFoundError(`lease ${id}: has ended; acquire a new one`, { facts: { lease: id } });
      return toWire(await leases.renew(id, checkLife(ttlMs)));
    },
    async release({ id, force }, { peer }) {
      if (!force) await own(id, callerName(peer));
      return { released: await leases.release(id) };
    },
    async list() {
      return { leases: (await leases.list()).map(toWire) };
    },
  };
}

function checkLife(ttlMs: bigint): number {
  if (ttlMs <= 0n || ttlMs > longestMs) throw new InvalidArgumentError("lease: its life must be between 1 ms and 24 h");
  return Number(ttlMs);
}

function toWire(lease: Lease): WireLease {
  return { ...lease, nodes: [...lease.nodes], expiresMs: BigInt(lease.expiresMs), grantedMs: BigInt(lease.grantedMs) };
}
