/** What site agents tell of their consoles, as events of the lab. */
import type { Lab } from "../../inventory/model.js";
import type { ConsoleBoot, ConsoleGap, ConsoleLineState, ConsoleNotice } from "../../proto/gen/lab/v1/console.js";
import type { EventBus } from "./event-bus.js";

export class ConsoleEvents {
  readonly #events: EventBus;
  /** Site agent by node. */
  readonly #sites: ReadonlyMap<string, string>;
  /** Lines as last told. Kept while a site agent is away: what it says when it is back is an event only where it differs. */
  readonly #lines = new Map<string, "up" | "down">();

  constructor(lab: Lab, events: EventBus) {
    this.#events = events;
    this.#sites = new Map(lab.nodes.flatMap(({ name, console }) => (console === undefined ? [] : [[name, console.via]])));
  }

  /** Publishes what is news. A console that is another agent's by the inventory is passed over. */
  tell(agent: string, { node, notice }: ConsoleNotice): void {
    if (this.#sites.get(node) !== agent) return;
    switch (notice?.$case) {
      case "line":
        return this.#tellLine(node, notice.value);
      case "gap":
        return this.#tellGap(node, notice.value);
      case "boot":
        return this.#events.publish("boot", node, bootText(notice.value));
      case undefined:
    }
  }

  #tellLine(node: string, { state, reason }: ConsoleLineState): void {
    if ((state !== "up" && state !== "down") || this.#lines.get(node) === state) return;
    this.#lines.set(node, state);
    this.#events.publish(
      state === "up" ? "console-up" : "console-down",
      node,
      state === "up" ? "console is up" : `console is down: ${reason}`,
    );
  }

  /** A line that is down is told as such; its gap when it has ended. */
  #tellGap(node: string, gap: ConsoleGap): void {
    if (gap.cause !== "line-down" || gap.toMs !== 0n) this.#events.publish("console-gap", node, gapText(gap));
  }
}

function bootText({ epoch, cause, detail }: ConsoleBoot): string {
  return `boot ${epoch}: ${cause}: ${detail}`;
}

/** "gap at 1204331: 212 bytes lost, overrun: BMC reported SOL overrun", with how long it lasted when it did. */
function gapText({ offset, cause, detail, fromMs, toMs, lostBytes }: ConsoleGap): string {
  const lost = lostBytes === 0n ? "bytes may be lost" : `${lostBytes} bytes lost`;
  const lasted = toMs > fromMs ? ` for ${(Number(toMs - fromMs) / 1000).toFixed(1)} s` : "";
  return `gap at ${offset}: ${lost}, ${cause}${toMs === 0n ? ", not over yet" : lasted}${detail === "" ? "" : `: ${detail}`}`;
}
