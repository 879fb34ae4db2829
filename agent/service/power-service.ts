import { powerVerbs, type Power, type PowerReading, type PowerVerb } from "../ports/power.js";
import { InvalidArgumentError } from "../../proto/base/errors.js";
import type { PowerServiceService, PowerStatus } from "../../proto/gen/lab/v1/power.js";
import type { Implementation } from "../../proto/rpc/service.js";
import type { RequireFence } from "./acting.js";

const defaultDeadlineMs = 120_000;
const defaultQueueMs = 30 * 60_000;

/** Power of the nodes a site agent looks after. `powerOf` throws NotFoundError for others. */
export function powerService(powerOf: (node: string) => Power, requireFence: RequireFence): Implementation<typeof PowerServiceService> {
  return {
    async getPower({ node }, { signal }) {
      const power = powerOf(node);
      return status(power, await power.read({ signal }));
    },
    async confirmPower({ node, state }) {
      if (state !== "on" && state !== "off")
        throw new InvalidArgumentError(`${node}: power is "on" or "off", not ${JSON.stringify(state)}`);
      const power = powerOf(node);
      return status(power, await power.confirm(state));
    },
    async setPower({ node, verb: wanted, fence, key, deadlineMs, queueMs }, { signal }) {
      const verb = verbOf(wanted);
      if (key === "")
        throw new InvalidArgumentError(`${node}: power ${verb}: the act needs a key by which it is known again`, { facts: { node } });
      const power = powerOf(node);
      await requireFence(node, fence);
      const result = await power.set({
        verb,
        key,
        deadlineMs: deadlineMs || defaultDeadlineMs,
        queueMs: queueMs || defaultQueueMs,
        // Whoever waited for long may have lost its lease to somebody who has begun since.
        permit: () => requireFence(node, fence),
        signal,
      });
      return { ...result, consoleOffset: BigInt(result.consoleOffset) };
    },
  };
}

function status({ hold }: Power, { state, fault, lastEvent, asks = "" }: PowerReading): PowerStatus {
  return { state, fault, lastEvent, asks, hold };
}

function verbOf(text: string): PowerVerb {
  const verb = powerVerbs.find((each) => each === text);
  if (verb === undefined) throw new InvalidArgumentError(`power ${JSON.stringify(text)}: is no verb; verbs: ${powerVerbs.join(", ")}`);
  return verb;
}
