/** Leases that tell the lab when they begin and end. An expiry nobody looks at is told by the next lease of the node. */
import type { Lease, Leases } from "../ports.js";
import type { EventBus } from "./event-bus.js";

export function announceLeases(leases: Leases, events: EventBus): Leases {
  const tell = (kind: "lease-granted" | "lease-ended", lease: Lease) => {
    for (const node of lease.nodes) events.publish(kind, node, `${lease.owner}: ${lease.reason}`);
  };
  return {
    async acquire(request) {
      const lease = await leases.acquire(request);
      tell("lease-granted", lease);
      return lease;
    },
    renew: (id, ttlMs) => leases.renew(id, ttlMs),
    async release(id) {
      const lease = (await leases.list()).find((each) => each.id === id);
      const released = await leases.release(id);
      if (released && lease !== undefined) tell("lease-ended", lease);
      return released;
    },
    list: () => leases.list(),
    holding: (node) => leases.holding(node),
  };
}
