/** The way an application takes: where it starts, and every migration. */
import type { HexoParameters } from "./parameters.js";
import { other, type Side } from "./pair.js";

export interface Leg {
  /** From 1. */
  readonly number: number;
  readonly from: Side;
  readonly to: Side;
}

export interface Journey {
  readonly start: Side;
  readonly legs: readonly Leg[];
}

export function planJourney({ direction, rounds }: Pick<HexoParameters, "direction" | "rounds">): Journey {
  const start: Side = direction === "arm-to-x86" ? "arm" : "x86";
  const count = direction === "ping-pong" ? 2 * rounds : 1;
  const legs = Array.from({ length: count }, (_, index): Leg => {
    const from = index % 2 === 0 ? start : other(start);
    return { number: index + 1, from, to: other(from) };
  });
  return { start, legs };
}
