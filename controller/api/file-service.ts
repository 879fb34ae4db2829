/** FileService for people: files of the node's own agent, the lease permits what changes them. */
import { InvalidArgumentError } from "../../proto/base/errors.js";
import type { FileServiceService } from "../../proto/gen/lab/v1/file.js";
import type { Implementation } from "../../proto/rpc/service.js";
import type { Routes } from "../agents/routes.js";
import type { Acting } from "./acting.js";
import { takeFirst } from "./first-message.js";

/** A file of some gigabytes takes a while; its sender cancels when it has lost patience. */
const transferDeadlineMs = 3_600_000;

export function createFileService({ routes, acting }: { routes: Routes; acting: Acting }): Implementation<typeof FileServiceService> {
  return {
    async stat(request, { signal }) {
      return (await routes.own(request.node, { signal })).file.stat(request, { signal });
    },
    async *read(request, { signal }) {
      yield* (await routes.own(request.node, { signal })).file.read(request, { signal });
    },
    async write(requests, { signal, peer }) {
      const { first, withFirst } = await takeFirst(requests);
      if (first?.request?.$case !== "header") throw new InvalidArgumentError("write: the first message must be the header");
      const header = first.request.value;
      const { file } = await routes.own(header.node, { signal });
      const act = { node: header.node, fence: header.fence, caller: peer, what: `write ${header.path}` };
      return acting.run(act, (fence) => {
        const permitted = withFirst({ request: { $case: "header", value: { ...header, fence } } });
        return file.write(permitted, { signal, deadlineMs: transferDeadlineMs });
      });
    },
    async remove(request, { signal, peer }) {
      const { file } = await routes.own(request.node, { signal });
      const act = { node: request.node, fence: request.fence, caller: peer, what: `remove ${request.path}` };
      return acting.run(act, (fence) => file.remove({ ...request, fence }, { signal }));
    },
    async list(request, { signal }) {
      return (await routes.own(request.node, { signal })).file.list(request, { signal });
    },
  };
}
