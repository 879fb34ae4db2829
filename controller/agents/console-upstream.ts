/** A node's console at the site agent that captures it. */
import { NotFoundError } from "../../proto/base/errors.js";
import type { Upstream } from "../consoles/upstream.js";
import { consoleEvent, followMessage } from "./console-messages.js";
import type { Routes } from "./routes.js";

export function consoleUpstream(routes: Routes, node: string): Upstream {
  return {
    async extent(options) {
      const { console } = await routes.console(node, options);
      const { consoles } = await console.listConsoles({}, { signal: options?.signal });
      const view = consoles.find((each) => each.node === node);
      if (view === undefined) throw new NotFoundError(`console ${node}: its site agent does not capture it`, { facts: { node } });
      const { state, reason, firstOffset, endOffset, lastByteMs, bootEpoch } = view;
      return { state, reason, firstOffset, endOffset, lastByteMs: Number(lastByteMs), bootEpoch };
    },
    async *follow(request, options) {
      const { console } = await routes.console(node, options);
      for await (const message of console.follow(followMessage(node, request), { signal: options?.signal })) {
        const event = consoleEvent(message);
        if (event !== undefined) yield event;
      }
    },
  };
}
