/** The contract's ConsoleService over the consoles this site agent captures. Translates and decides nothing. */
import { InvalidArgumentError } from "../../proto/base/errors.js";
import type { ConsoleServiceService } from "../../proto/gen/lab/v1/console.js";
import type { Implementation } from "../../proto/rpc/service.js";
import type { Captures } from "../capture/captures.js";
import { watchConsoles } from "../capture/watch.js";
import { attach } from "./console-attach.js";
import { bootMessage, eventMessage, followRequest, noticeMessage, viewMessage } from "./console-messages.js";

export function consoleService(captures: Captures): Implementation<typeof ConsoleServiceService> {
  return {
    listConsoles: async () => ({ consoles: captures.list().map(({ status }) => viewMessage(status)) }),
    listBoots: async ({ node }) => ({ boots: captures.get(node).boots.map(bootMessage) }),
    follow: async function* (request, { signal }) {
      for await (const event of captures.get(request.node).follow(followRequest(request), { signal })) yield eventMessage(event);
    },
    watchConsoles: async function* (_request, { signal }) {
      for await (const notice of watchConsoles(captures, { signal })) yield noticeMessage(notice);
    },
    attach: async function* (requests, { signal }) {
      const iterator = requests[Symbol.asyncIterator]();
      const first = await iterator.next();
      const request = first.done ? undefined : first.value.request;
      if (request?.$case !== "open") throw new InvalidArgumentError("attach: the first message must be `open`");
      const { node, who, steal } = request.value;
      if (who === "") throw new InvalidArgumentError("attach: `who` is empty; say who is writing");
      yield* attach(captures.get(node).attach(who, { steal }), iterator, signal);
    },
  };
}
