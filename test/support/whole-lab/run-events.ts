/** A run as a client of the API follows it. */
import type { RunEvent } from "../../../proto/gen/lab/v1/deployment.js";
import type { WholeLab } from "./whole-lab.js";

/** What the run's journal told from this sequence on; ends with the run. */
export async function* runEvents(lab: WholeLab, id: string, fromSequence: bigint): AsyncGenerator<RunEvent, void, undefined> {
  for await (const event of lab.connection.deployments.watchRun({ id, fromSequence })) if (event.sequence > 0n) yield event;
}

/** Follows the run until an event is `wanted`; undefined when it ends before. */
export async function runEvent(
  lab: WholeLab,
  id: string,
  wanted: (event: RunEvent) => boolean,
  fromSequence = 0n,
): Promise<RunEvent | undefined> {
  for await (const event of runEvents(lab, id, fromSequence)) if (wanted(event)) return event;
  return undefined;
}

/** The whole journal of a run that has ended. */
export async function runHistory(lab: WholeLab, id: string): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const event of runEvents(lab, id, 0n)) events.push(event);
  return events;
}

/** "began boot/p0", "succeeded boot/p0"; undefined for what is no boundary of a step. */
export function boundary({ event }: RunEvent): string | undefined {
  if (event?.$case === "stepBegan") return `began ${event.value}`;
  return event?.$case === "stepSucceeded" ? `succeeded ${event.value}` : undefined;
}
