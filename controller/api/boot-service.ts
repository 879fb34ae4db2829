/** BootService for people: the node's own agent edits its boot loader, the lease permits. */
import { InvalidArgumentError } from "../../proto/base/errors.js";
import type { BootEntries, BootServiceService } from "../../proto/gen/lab/v1/boot.js";
import type { Implementation } from "../../proto/rpc/service.js";
import type { BootMenu, Nodes } from "../ports.js";
import type { Acting } from "./acting.js";

export function createBootService({ nodes, acting }: { nodes: Nodes; acting: Acting }): Implementation<typeof BootServiceService> {
  return {
    async listEntries({ node }, { signal }) {
      return toEntries(await nodes.node(node).boot.menu({ signal }));
    },
    async putEntry({ node, entry, fence }, { signal, peer }) {
      const { boot } = nodes.node(node);
      if (entry === undefined) throw new InvalidArgumentError(`boot entry of ${node}: the request holds no entry`);
      const act = { node, fence, caller: peer, what: `boot entry ${entry.id}` };
      return toEntries(await acting.run(act, (permit) => boot.putEntry(entry, { fence: permit, signal })));
    },
    async removeEntry({ node, id, fence }, { signal, peer }) {
      const { boot } = nodes.node(node);
      const act = { node, fence, caller: peer, what: `remove boot entry ${id}` };
      return toEntries(await acting.run(act, (permit) => boot.removeEntry(id, { fence: permit, signal })));
    },
    async bootOnce({ node, id, fence }, { signal, peer }) {
      const { boot } = nodes.node(node);
      const act = { node, fence, caller: peer, what: `boot once ${id}` };
      return toEntries(await acting.run(act, (permit) => boot.bootOnce(id, { fence: permit, signal })));
    },
  };
}

function toEntries(menu: BootMenu): BootEntries {
  return { ...menu, entries: [...menu.entries] };
}
