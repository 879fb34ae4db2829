import type { BootLoader, BootMenu } from "../ports/boot.js";
import { InvalidArgumentError, UnsupportedError } from "../../proto/base/errors.js";
import type { BootEntries, BootServiceService } from "../../proto/gen/lab/v1/boot.js";
import type { Implementation } from "../../proto/rpc/service.js";
import type { OperatedNode, OperatedNodes } from "./acting.js";

/** The boot loaders of the nodes this agent speaks for, where it can read their disks as its own. */
export function bootService(nodes: OperatedNodes): Implementation<typeof BootServiceService> {
  return {
    async listEntries(request) {
      return menuMessage(await loaderOf(request.node, nodes.get(request.node)).menu());
    },
    async putEntry(request) {
      if (request.entry === undefined) throw new InvalidArgumentError(`${request.node}: put boot entry: the call has no entry`);
      const loader = loaderOf(request.node, await nodes.forActing(request));
      return menuMessage(await loader.putEntry(request.entry));
    },
    async removeEntry(request) {
      const loader = loaderOf(request.node, await nodes.forActing(request));
      return menuMessage(await loader.removeEntry(request.id));
    },
    async bootOnce(request) {
      const loader = loaderOf(request.node, await nodes.forActing(request));
      return menuMessage(await loader.bootOnce(request.id));
    },
  };
}

function loaderOf(name: string, { loader }: OperatedNode): BootLoader {
  if (loader !== undefined) return loader;
  throw new UnsupportedError(
    `node ${name}: boot entries: it is reached by ssh, and only an agent on the machine can change what it boots; install one there, or set its boot loader by hand`,
    { facts: { node: name } },
  );
}

function menuMessage(menu: BootMenu): BootEntries {
  return { ...menu, entries: [...menu.entries] };
}
