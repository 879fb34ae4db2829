/** lab events: what happens in the lab, a line an event. */
import type { LabEvent } from "../../../proto/gen/lab/v1/event.js";
import { type Context, show, withLab } from "../context.js";
import { pad, type Style } from "../terminal.js";
import { timeOfDay } from "../units.js";

/** Prints events from now on, of all nodes for "", until the signal aborts. */
export async function printEvents(context: Context, nodeset: string): Promise<void> {
  const { signal, terminal } = context;
  await withLab(context, async (lab) => {
    try {
      for await (const event of lab.events.watch({ nodeset }, { signal })) show(context, event, () => [eventLine(event, terminal.style)]);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  });
}

/** What a person should look at. */
const alarming = new Set(["agent-lost", "console-down", "console-gap"]);
const kindColumns = "agent-connected".length;
const nodeColumns = 8;

/** "03:13:20.114 console-down    p0       console is down: …" */
export function eventLine({ timeMs, kind, node, text }: LabEvent, style: Style): string {
  const paint = alarming.has(kind) ? style.yellow : style.cyan;
  return `${style.dim(timeOfDay(Number(timeMs)))} ${paint(pad(kind, kindColumns))} ${pad(node || "–", nodeColumns)} ${text}`;
}
