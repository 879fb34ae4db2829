/** PowerService for people: the site agent acts, the lease permits. */
import { randomUUID } from "node:crypto";
import { InvalidArgumentError } from "../../proto/base/errors.js";
import type { PowerServiceService } from "../../proto/gen/lab/v1/power.js";
import type { Implementation } from "../../proto/rpc/service.js";
import { longestActMs } from "../agents/power-act.js";
import type { Nodes, PowerVerb } from "../ports.js";
import type { Acting } from "./acting.js";

const verbs: readonly PowerVerb[] = ["on", "off", "cycle", "reset", "soft"];
const defaultDeadlineMs = 120_000;
const defaultQueueMs = 30 * 60_000;

export function createPowerService({ nodes, acting }: { nodes: Nodes; acting: Acting }): Implementation<typeof PowerServiceService> {
  return {
    async getPower({ node }, { signal }) {
      return nodes.node(node).power.read({ signal });
    },
    async confirmPower({ node, state }, { signal }) {
      if (state !== "on" && state !== "off")
        throw new InvalidArgumentError(`power of ${node}: is "on" or "off", not ${JSON.stringify(state)}`);
      return nodes.node(node).power.confirm(state, { signal });
    },
    async setPower({ node, verb: word, fence, key, deadlineMs, queueMs }, { signal, peer }) {
      const { power } = nodes.node(node);
      const verb = verbs.find((each) => each === word);
      if (verb === undefined) throw new InvalidArgumentError(`power ${word}: unknown verb; expected ${verbs.join(", ")}`);
      const request = {
        key: key === "" ? randomUUID() : key,
        deadlineMs: deadlineMs || defaultDeadlineMs,
        queueMs: queueMs || defaultQueueMs,
        signal,
      };
      const act = { node, fence, caller: peer, what: `power ${verb}`, withinMs: longestActMs(request) };
      return acting.run(act, (permit) => power.set(verb, { ...request, fence: permit }));
    },
  };
}
