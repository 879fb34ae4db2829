import type { Facts, Machine } from "../ports/facts.js";
import { UnsupportedError } from "../../proto/base/errors.js";
import type { Facts as FactsMessage, NodeServiceService } from "../../proto/gen/lab/v1/node.js";
import type { Implementation } from "../../proto/rpc/service.js";
import type { OwnNode } from "./acting.js";

/** Facts and reboot of the machine this agent runs on. */
export function nodeService(own: OwnNode, machine: Machine): Implementation<typeof NodeServiceService> {
  return {
    listNodes: () => Promise.reject(new UnsupportedError("NodeService.ListNodes: an agent knows one node; ask the controller")),
    async getFacts(request) {
      own.check(request.node);
      return factsMessage(await machine.facts());
    },
    async reboot(request) {
      await own.mayAct(request);
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
