import type { Facts } from "../ports/facts.js";
import { UnsupportedError } from "../../proto/base/errors.js";
import type { Facts as FactsMessage, NodeServiceService } from "../../proto/gen/lab/v1/node.js";
import type { Implementation } from "../../proto/rpc/service.js";
import type { OperatedNodes } from "./acting.js";

/** Facts and reboot of the nodes this agent speaks for. */
export function nodeService(nodes: OperatedNodes): Implementation<typeof NodeServiceService> {
  return {
    listNodes: () => Promise.reject(new UnsupportedError("NodeService.ListNodes: an agent knows its own nodes only; ask the controller")),
    async getFacts(request) {
      return factsMessage(await nodes.get(request.node).machine.facts());
    },
    async reboot(request) {
      const { machine } = await nodes.forActing(request);
      return machine.reboot();
    },
  };
}

function factsMessage(facts: Facts): FactsMessage {
  return {
    ...facts,
    memoryBytes: BigInt(facts.memoryBytes),
    memoryAvailableBytes: BigInt(facts.memoryAvailableBytes),
    disks: facts.disks.map(({ mount, sizeBytes, freeBytes }) => ({ mount, sizeBytes: BigInt(sizeBytes), freeBytes: BigInt(freeBytes) })),
    modules: [...facts.modules],
  };
}
