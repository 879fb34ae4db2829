/** What a sensor's answer means (IPMI v2.0 §35.14). Pure. */
import type { getSensorReading, ReplyOf } from "../command/index.js";
import { convert, type Conversion } from "./conversion.js";
import type { Sensor } from "./sensor.js";
import { eventType, stateWords } from "./states.js";

export interface Reading {
  readonly value: number | undefined;
  /** "ok", "ok: presence detected", "not available", or what is wrong: "upper critical". */
  readonly status: string;
}

export const notAvailable: Reading = { value: undefined, status: "not available" };

/** Worst first, with its bit: beyond critical is also beyond non-critical. */
const comparisons = [
  [0x20, "upper non-recoverable"],
  [0x04, "lower non-recoverable"],
  [0x10, "upper critical"],
  [0x02, "lower critical"],
  [0x08, "upper non-critical"],
  [0x01, "lower non-critical"],
] as const;

/** `conversion`: the sensor's, or where that is not the same for all readings, the one for this reading. */
export function interpret(
  sensor: Pick<Sensor, "type" | "eventType">,
  reply: ReplyOf<typeof getSensorReading>,
  conversion: Conversion | undefined,
): Reading {
  if (!reply.status.scanning || reply.status.unavailable) return notAvailable;
  const value = conversion && convert(conversion, reply.reading);
  if (sensor.eventType !== eventType.threshold) return { value, status: stateStatus(sensor, reply) };
  const beyond = comparisons.find(([mask]) => ((reply.states ?? 0) & mask) !== 0);
  return { value, status: beyond?.[1] ?? "ok" };
}

function stateStatus({ type, eventType }: Pick<Sensor, "type" | "eventType">, reply: ReplyOf<typeof getSensorReading>): string {
  // The highest bit is reserved and read as 1.
  const states = (reply.states ?? 0) | (((reply.moreStates ?? 0) & 0x7f) << 8);
  const words = Array.from({ length: 15 }, (_, offset) => offset)
    .filter((offset) => (states & (1 << offset)) !== 0)
    .map((offset) => stateWords(eventType, type, offset));
  const wrong = words.filter((each) => each.wrong);
  if (wrong.length > 0) return wrong.map((each) => each.text).join(", ");
  return words.length === 0 ? "ok" : `ok: ${words.map((each) => each.text).join(", ")}`;
}
