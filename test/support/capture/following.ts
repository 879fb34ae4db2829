/** Reads a follower and judges what it told. */
import type { ConsoleEvent } from "../../../agent/capture/events.js";

/** All events of a follower that ends by itself. */
export async function collect(events: AsyncIterable<ConsoleEvent>): Promise<ConsoleEvent[]> {
  const seen: ConsoleEvent[] = [];
  for await (const event of events) seen.push(event);
  return seen;
}

/** Events until, and with, the first that `stop` likes. */
export async function collectUntil(events: AsyncIterable<ConsoleEvent>, stop: (event: ConsoleEvent) => boolean): Promise<ConsoleEvent[]> {
  const seen: ConsoleEvent[] = [];
  for await (const event of events) {
    seen.push(event);
    if (stop(event)) break;
  }
  return seen;
}

/** The bytes told. Throws when they are not joined by offset: a hole or a repeat. */
export function bytesOf(events: readonly ConsoleEvent[]): Buffer {
  const chunks: Uint8Array[] = [];
  let next: number | undefined;
  for (const event of events) {
    if (event.kind !== "data") continue;
    if (next !== undefined && event.offset !== next) throw new Error(`bytes at ${event.offset} told where ${next} was due`);
    chunks.push(event.data);
    next = event.offset + event.data.length;
  }
  return Buffer.concat(chunks);
}

/** "gap:line-down@12" "boot:1@0" "data@0+5" "live@5": a readable form of what was told. */
export function shape(events: readonly ConsoleEvent[]): string[] {
  return events.map((event) => {
    switch (event.kind) {
      case "data":
        return `data@${event.offset}+${event.data.length}`;
      case "gap":
        return `gap:${event.cause}@${event.offset}${event.toMs === 0 ? " open" : ""}`;
      case "boot":
        return `boot:${event.epoch}@${event.offset}`;
      case "live":
        return `live@${event.offset}`;
    }
  });
}
