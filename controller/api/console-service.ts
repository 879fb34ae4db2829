/** ConsoleService for people: whoever follows shares the hub's stream; whoever writes has one of their own to the site agent. */
import type { Clock } from "../../proto/base/clock.js";
import { InvalidArgumentError } from "../../proto/base/errors.js";
import type { ConsoleEvent, ConsoleServiceService, ConsoleView, FollowRequest } from "../../proto/gen/lab/v1/console.js";
import type { Implementation } from "../../proto/rpc/service.js";
import { consoleMessage, followRequest } from "../agents/console-messages.js";
import type { Routes } from "../agents/routes.js";
import type { ConsoleHub } from "../consoles/hub.js";
import { callerName } from "./authorization.js";
import type { ConsoleStates } from "./console-states.js";
import { takeFirst } from "./first-message.js";
import { interleave } from "./interleave.js";

export interface ConsoleServiceDeps {
  readonly routes: Routes;
  readonly hub: ConsoleHub;
  readonly states: ConsoleStates;
  readonly clock: Clock;
}

/** What happens on all consoles is told by EventService, not here. */
type Served = Omit<Implementation<typeof ConsoleServiceService>, "watchConsoles">;

export function createConsoleService({ routes, hub, states, clock }: ConsoleServiceDeps): Served {
  async function* events(request: FollowRequest, options: { signal: AbortSignal }): AsyncGenerator<ConsoleEvent> {
    for await (const event of hub.console(request.node).followFrom(followRequest(request), options)) yield consoleMessage(event);
  }
  async function* absences(agent: string, options: { signal: AbortSignal }): AsyncGenerator<ConsoleEvent> {
    for await (const connected of routes.absences(agent, options)) {
      yield { event: { $case: "site", value: { agent, connected, timeMs: BigInt(Math.floor(clock.now())) } } };
    }
  }
  return {
    async listConsoles(_request, { signal }) {
      const views = await states.read({ signal });
      const declared = routes.lab.nodes.filter((node) => node.console !== undefined);
      return {
        consoles: declared.map((node) => views.get(node.name) ?? outOfSight(node.name, node.console?.kind ?? "", node.console?.via ?? "")),
      };
    },
    async *follow(request, { signal }) {
      // Asked first, so that somebody who follows a site that is away is told so; one that goes away later is waited for, visibly.
      const { name } = await routes.console(request.node, { signal });
      yield* interleave(
        (options) => events(request, options),
        (options) => absences(name, options),
        { signal },
      );
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
