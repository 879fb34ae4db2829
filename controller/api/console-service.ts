/** ConsoleService for people: history and live bytes come from the site agent that captures the line. */
import { InvalidArgumentError } from "../../proto/base/errors.js";
import type { ConsoleServiceService, ConsoleView } from "../../proto/gen/lab/v1/console.js";
import type { Implementation } from "../../proto/rpc/service.js";
import type { Routes } from "../agents/routes.js";
import { callerName } from "./authorization.js";
import type { ConsoleStates } from "./console-states.js";
import { takeFirst } from "./first-message.js";

export function createConsoleService(deps: { routes: Routes; states: ConsoleStates }): Implementation<typeof ConsoleServiceService> {
  const { routes, states } = deps;
  return {
    async listConsoles(_request, { signal }) {
      const views = await states.read({ signal });
      const declared = routes.lab.nodes.filter((node) => node.console !== undefined);
      return {
        consoles: declared.map((node) => views.get(node.name) ?? outOfSight(node.name, node.console?.kind ?? "", node.console?.via ?? "")),
      };
    },
    async *follow(request, { signal }) {
      yield* (await routes.console(request.node, { signal })).console.follow(request, { signal });
    },
    async listBoots(request, { signal }) {
      return (await routes.console(request.node, { signal })).console.listBoots(request, { signal });
    },
    async *attach(requests, { signal, peer }) {
      const { first, withFirst } = await takeFirst(requests);
      if (first?.request?.$case !== "open") throw new InvalidArgumentError("attach: the first message must open a node's console");
      const open = { ...first.request.value, who: callerName(peer) };
      const { console } = await routes.console(open.node, { signal });
      yield* console.attach(withFirst({ request: { $case: "open", value: open } }), { signal });
    },
  };
}

/** A console nobody can say anything about now. Its log is with its site agent and goes on there. */
function outOfSight(node: string, kind: string, via: string): ConsoleView {
  const reason = `site agent ${via} is not connected`;
  const nothing = { firstOffset: 0n, endOffset: 0n, lastByteMs: 0n, bootEpoch: 0, writer: "" };
  return { node, kind, state: "down", reason, ...nothing };
}
