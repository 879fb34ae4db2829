/** An application that was left running: what a later `migrate` needs to know of it, as it stands among a run's outputs. */
import type { Json, Outputs } from "../../deploy/recipe.js";
import type { Seat } from "./design.js";
import type { Pair, Side } from "./pair.js";
import type { Mode } from "./parameters.js";
import type { Progress } from "./proxy-output.js";

export interface Application {
  /** Grows with every run that leaves it running: the newest counts. */
  readonly sequence: number;
  readonly side: Side;
  readonly directory: string;
  readonly job: string;
  readonly sinceMs: number;
  readonly mode: Mode;
  /** What it had printed when it was brought here; undefined: it began here. */
  readonly before: Progress | undefined;
}

const key = "application";

export function applicationOutput({ before, ...application }: Application): Readonly<Record<string, Json>> {
  const progress = before === undefined ? {} : { before: JSON.parse(JSON.stringify(before)) as Json };
  return { [key]: { ...application, ...progress } };
}

/** The newest one in what earlier runs have put out. Whether it still runs, only its machine knows. */
export function findApplication(previous: Outputs): Application | undefined {
  const all = Object.values(previous).flatMap((values) => {
    const value = values[key] as unknown as Application | undefined;
    return value === undefined ? [] : [{ ...value, before: value.before && { last: value.before.last, stride: value.before.stride } }];
  });
  return all.sort((a, b) => b.sequence - a.sequence)[0];
}

/** The seat it holds. */
export function heldSeat({ side, directory, job, sinceMs }: Application, pair: Pair): Seat {
  return { machine: pair[side], number: 0, directory: () => directory, job: () => job, sinceMs: () => sinceMs };
}
