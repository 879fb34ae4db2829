/** EventService: what happens in the lab, as it happens. */
import type { Lab } from "../../inventory/model.js";
import { selectNodes } from "../../inventory/select.js";
import type { EventServiceService } from "../../proto/gen/lab/v1/event.js";
import type { Implementation } from "../../proto/rpc/service.js";
import type { EventBus } from "./event-bus.js";

export function createEventService({ lab, events }: { lab: Lab; events: EventBus }): Implementation<typeof EventServiceService> {
  return {
    async *watch({ nodeset }, { signal }) {
      const wanted = nodeset === "" ? undefined : new Set(selectNodes(lab, nodeset).map((node) => node.name));
      for await (const event of events.watch({ signal })) {
        if (wanted === undefined || event.node === "" || wanted.has(event.node)) yield { ...event, timeMs: BigInt(event.timeMs) };
      }
    },
  };
}
