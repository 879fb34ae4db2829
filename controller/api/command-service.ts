/** CommandService for people: jobs of the node's own agent. The lease covers the start; a job may outlive it. */
import type { CommandServiceService } from "../../proto/gen/lab/v1/command.js";
import type { Implementation } from "../../proto/rpc/service.js";
import type { Routes } from "../agents/routes.js";
import type { Acting } from "./acting.js";

/** Beside the grace time a cancelled job gets. */
const cancelMarginMs = 15_000;
const defaultGraceMs = 5_000;

export function createCommandService({ routes, acting }: { routes: Routes; acting: Acting }): Implementation<typeof CommandServiceService> {
  return {
    async startJob(request, { signal, peer }) {
      const { command } = await routes.own(request.node, { signal });
      const act = { node: request.node, fence: request.fence, caller: peer, what: `run ${request.argv[0] ?? ""}` };
      return acting.run(act, (fence) => command.startJob({ ...request, fence }, { signal }));
    },
    async *followJob(request, { signal }) {
      const { command } = await routes.own(request.node, { signal });
      yield* command.followJob(request, { signal });
    },
    async getJob(request, { signal }) {
      return (await routes.own(request.node, { signal })).command.getJob(request, { signal });
    },
    async readJob(request, { signal }) {
      return (await routes.own(request.node, { signal })).command.readJob(request, { signal });
    },
    async signalJob(request, { signal, peer }) {
      const { command } = await routes.own(request.node, { signal });
      const act = { node: request.node, fence: request.fence, caller: peer, what: `send ${request.signal} to job ${request.jobId}` };
      return acting.run(act, (fence) => command.signalJob({ ...request, fence }, { signal }));
    },
    async listJobs(request, { signal }) {
      return (await routes.own(request.node, { signal })).command.listJobs(request, { signal });
    },
    async cancelJob(request, { signal }) {
      const { command } = await routes.own(request.node, { signal });
      const graceMs = request.graceMs === 0 ? defaultGraceMs : request.graceMs;
      return command.cancelJob(request, { signal, deadlineMs: graceMs + cancelMarginMs });
    },
  };
}
