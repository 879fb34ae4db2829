import type { BootLoader, BootMenu } from "../ports/boot.js";
import { InvalidArgumentError } from "../../proto/base/errors.js";
import type { BootEntries, BootServiceService } from "../../proto/gen/lab/v1/boot.js";
import type { Implementation } from "../../proto/rpc/service.js";
import type { OwnNode } from "./acting.js";

/** The boot loader of the machine this agent runs on. */
export function bootService(own: OwnNode, loader: BootLoader): Implementation<typeof BootServiceService> {
  return {
    async listEntries(request) {
      own.check(request.node);
      return menuMessage(await loader.menu());
    },
    async putEntry(request) {
      if (request.entry === undefined) throw new InvalidArgumentError(`${request.node}: put boot entry: the call has no entry`);
      await own.mayAct(request);
      return menuMessage(await loader.putEntry(request.entry));
    },
    async removeEntry(request) {
      await own.mayAct(request);
      return menuMessage(await loader.removeEntry(request.id));
    },
    async bootOnce(request) {
      await own.mayAct(request);
      return menuMessage(await loader.bootOnce(request.id));
    },
  };
}

function menuMessage(menu: BootMenu): BootEntries {
  return { ...menu, entries: [...menu.entries] };
}
