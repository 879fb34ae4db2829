/** What switching does to a machine: when it went off, and how often it was switched on of late. Pure; times are of one clock, in ms. */
import type { PowerState } from "../../ports/power.js";
import type { PowerStep } from "./plan.js";

export interface NodeWear {
  /** When it was first seen off after an off of ours, or was told to go off; undefined = never by us. */
  readonly offMs: number | undefined;
  /** It was told to go off and has not been seen off since. */
  readonly offAwaited: boolean;
  /** Switch-ons and resets, oldest first: those of the last hour, and the newest whenever it was. */
  readonly startsMs: readonly number[];
}

export const noWear: NodeWear = { offMs: undefined, offAwaited: false, startsMs: [] };

export const hourMs = 3_600_000;

/** A step by which a machine begins to draw its inrush current. */
export function isStart(step: PowerStep): boolean {
  return step === "on" || step === "reset";
}

export function wearBySending(wear: NodeWear, step: PowerStep, nowMs: number): NodeWear {
  if (!isStart(step)) return { ...wear, offMs: nowMs, offAwaited: true };
  return { ...wear, startsMs: [...recent(wear.startsMs, nowMs), nowMs] };
}

/** The device refused the start at `startMs`: it did not happen. */
export function wearByRefusal(wear: NodeWear, startMs: number): NodeWear {
  return { ...wear, startsMs: wear.startsMs.filter((each) => each !== startMs) };
}

/** The time off counts from when it was seen, not from when it was asked for. The same object when nothing is new. */
export function wearByReading(wear: NodeWear, state: PowerState, nowMs: number): NodeWear {
  return state === "off" && wear.offAwaited ? { ...wear, offMs: nowMs, offAwaited: false } : wear;
}

/** From when on it may be switched on, if it must stay off for `restMs`. */
export function restedMs(wear: NodeWear, restMs: number): number {
  return wear.offMs === undefined ? -Infinity : wear.offMs + restMs;
}

/** From when on one more start is within `perHour`; 0 = no limit. */
export function allowedStartMs(wear: NodeWear, perHour: number, nowMs: number): number {
  const starts = wear.startsMs.filter((each) => each > nowMs - hourMs);
  const oldest = perHour === 0 ? undefined : starts[starts.length - perHour];
  return oldest === undefined ? -Infinity : oldest + hourMs;
}

function recent(startsMs: readonly number[], nowMs: number): readonly number[] {
  return startsMs.filter((each, index) => each > nowMs - hourMs || index === startsMs.length - 1);
}
