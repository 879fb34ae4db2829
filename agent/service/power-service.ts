import { powerVerbs, type Power, type PowerVerb } from "../ports/power.js";
import { InvalidArgumentError } from "../../proto/base/errors.js";
import type { PowerServiceService } from "../../proto/gen/lab/v1/power.js";
import type { Implementation } from "../../proto/rpc/service.js";
import type { RequireFence } from "./acting.js";

const defaultDeadlineMs = 120_000;

/** Power of the nodes a site agent looks after. `powerOf` throws NotFoundError for others. */
export function powerService(powerOf: (node: string) => Power, requireFence: RequireFence): Implementation<typeof PowerServiceService> {
  return {
    getPower: ({ node }, { signal }) => powerOf(node).read({ signal }),
    async setPower({ node, verb: wanted, fence, key, deadlineMs }, { signal }) {
      const verb = verbOf(wanted);
      if (key === "")
        throw new InvalidArgumentError(`${node}: power ${verb}: the act needs a key by which it is known again`, { facts: { node } });
      const power = powerOf(node);
      await requireFence(node, fence);
      const result = await power.set({ verb, key, deadlineMs: deadlineMs === 0 ? defaultDeadlineMs : deadlineMs, signal });
      return { ...result, consoleOffset: BigInt(result.consoleOffset) };
    },
  };
}

function verbOf(text: string): PowerVerb {
  const verb = powerVerbs.find((each) => each === text);
  if (verb === undefined) throw new InvalidArgumentError(`power ${JSON.stringify(text)}: is no verb; verbs: ${powerVerbs.join(", ")}`);
  return verb;
}
