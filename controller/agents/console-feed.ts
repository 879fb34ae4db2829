/** A node's console from its site agent: one stream over as many connections as it takes. */
import type { Clock } from "../../proto/base/clock.js";
import { sleep } from "../../proto/base/clock.js";
import { NotFoundError, UnreachableError } from "../../proto/base/errors.js";
import type { ConsoleEvent as WireEvent } from "../../proto/gen/lab/v1/console.js";
import type { ConsoleEvent, ConsoleFeed } from "../ports.js";
import type { AgentConnection } from "./agent-connection.js";

/** After a broken connection; the agent is then waited for anyway. */
const retryMs = 250;

export interface FeedContext {
  readonly node: string;
  readonly clock: Clock;
  readonly reach: (options?: { signal?: AbortSignal | undefined }) => Promise<AgentConnection>;
}

export function consoleFeed(context: FeedContext): ConsoleFeed {
  return {
    async extent(options) {
      const { node, reach } = context;
      const { console } = await reach(options);
      const { consoles } = await console.listConsoles({}, { signal: options?.signal });
      const view = consoles.find((each) => each.node === node);
      if (view === undefined) throw new NotFoundError(`console ${node}: its site agent does not capture it`, { facts: { node } });
      return { ...view, lastByteMs: Number(view.lastByteMs) };
    },
    follow: (fromOffset, options) => follow(context, fromOffset, options.signal),
  };
}

async function* follow(
  context: FeedContext,
  fromOffset: bigint,
  signal: AbortSignal | undefined,
): AsyncGenerator<ConsoleEvent, void, undefined> {
  const { node, clock, reach } = context;
  const seam = new Seam(fromOffset);
  for (;;) {
    const { console } = await reach({ signal });
    try {
      const request = { node, from: { $case: "offset" as const, value: seam.offset }, live: true, untilOffset: 0n };
      for await (const message of console.follow(request, { signal })) {
        const event = consoleEvent(message);
        if (event !== undefined && seam.isNew(event)) yield event;
      }
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
    }
    await sleep(clock, retryMs, { signal });
  }
}

/** Joins what comes before a break with what comes after: marks at the same offset are told again by the agent, but not by us. */
class Seam {
  /** The next byte to come. */
  offset: bigint;
  readonly #marksHere = new Set<string>();
  #live = false;

  constructor(offset: bigint) {
    this.offset = offset;
  }

  isNew(event: ConsoleEvent): boolean {
    switch (event.kind) {
      case "data":
        this.offset = event.offset + BigInt(event.data.length);
        this.#marksHere.clear();
        return true;
      case "gap":
        return this.#isNewMark(`gap ${event.offset} ${event.cause} ${event.fromMs} ${event.toMs}`);
      case "boot":
        return this.#isNewMark(`boot ${event.epoch}`);
      case "live": {
        const first = !this.#live;
        this.#live = true;
        return first;
      }
    }
  }

  #isNewMark(mark: string): boolean {
    if (this.#marksHere.has(mark)) return false;
    this.#marksHere.add(mark);
    return true;
  }
}

/** Undefined for an event of a newer agent that this controller does not know. */
function consoleEvent({ event }: WireEvent): ConsoleEvent | undefined {
  switch (event?.$case) {
    case "data":
      return { kind: "data", offset: event.value.offset, data: event.value.data, timeMs: Number(event.value.timeMs) };
    case "gap":
      return { kind: "gap", ...event.value, fromMs: Number(event.value.fromMs), toMs: Number(event.value.toMs) };
    case "boot":
      return { kind: "boot", ...event.value, timeMs: Number(event.value.timeMs) };
    case "live":
      return { kind: "live", offset: event.value.offset };
    case undefined:
      return undefined;
  }
}
