/** BmcService for people: the agent that switches a node's power asks its BMC; what disturbs the machine needs a lease. */
import type { BmcServiceService } from "../../proto/gen/lab/v1/bmc.js";
import type { CallOptions, Implementation } from "../../proto/rpc/service.js";
import type { Routes } from "../agents/routes.js";
import type { Acting } from "./acting.js";
import { againstInventory, bmcStanza } from "./bmc-findings.js";

/** A BMC with many sensors answers for minutes, one by one. */
const readingDeadlineMs = 120_000;
const probeDeadlineMs = 75_000;

export function createBmcService({ routes, acting }: { routes: Routes; acting: Acting }): Implementation<typeof BmcServiceService> {
  const bmcOf = async (node: string, { signal }: CallOptions) => (await routes.power(node, { signal })).bmc;
  return {
    async probeBmc(request, { signal }) {
      const bmc = await bmcOf(request.node, { signal });
      const report = await bmc.probeBmc(request, { signal, deadlineMs: probeDeadlineMs });
      const spec = routes.spec(request.node);
      return { ...report, problems: [...report.problems, ...againstInventory(spec, report)], stanza: bmcStanza(spec, report) };
    },
    async identify(request, { signal }) {
      return (await bmcOf(request.node, { signal })).identify(request, { signal });
    },
    async readEventLog(request, { signal }) {
      return (await bmcOf(request.node, { signal })).readEventLog(request, { signal, deadlineMs: readingDeadlineMs });
    },
    async readSensors(request, { signal }) {
      return (await bmcOf(request.node, { signal })).readSensors(request, { signal, deadlineMs: readingDeadlineMs });
    },
    async interrupt(request, { signal, peer }) {
      const bmc = await bmcOf(request.node, { signal });
      const act = { node: request.node, fence: request.fence, caller: peer, what: "diagnostic interrupt" };
      return acting.run(act, (fence) => bmc.interrupt({ ...request, fence }, { signal }));
    },
    async getBootOverride(request, { signal }) {
      return (await bmcOf(request.node, { signal })).getBootOverride(request, { signal });
    },
    async setBootOverride(request, { signal, peer }) {
      const bmc = await bmcOf(request.node, { signal });
      const act = { node: request.node, fence: request.fence, caller: peer, what: `boot override ${request.boot?.device ?? ""}` };
      return acting.run(act, (fence) => bmc.setBootOverride({ ...request, fence }, { signal }));
    },
  };
}
