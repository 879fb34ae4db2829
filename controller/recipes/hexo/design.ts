/** A deployment or exercise that has passed all checks of problems.ts: what every step is derived from. */
import { type Known, type Outputs, startedJob } from "../../deploy/recipe.js";
import type { Machine, Pair } from "./pair.js";
import { type ApplicationSigns, applicationSigns, type HexoParameters } from "./parameters.js";

export interface Design {
  readonly pair: Pair;
  readonly parameters: HexoParameters;
  readonly signs: ApplicationSigns;
}

export function formDesign(pair: Pair, parameters: HexoParameters): Design {
  return { pair, parameters, signs: applicationSigns(parameters) };
}

export const seconds = 1000;
export const minutes = 60 * seconds;

/** Ids of the steps that others need or read from. Numbers are those of legs; 0 is the first start. */
export const stepIds = {
  check: ({ node }: Machine) => `check/${node.name}`,
  toolchain: ({ x86 }: Pair) => `toolchain/${x86.node.name}`,
  build: ({ x86 }: Pair) => `build/${x86.node.name}`,
  prepare: ({ arm }: Pair) => `prepare/${arm.node.name}`,
  ship: ({ x86 }: Pair) => `ship/${x86.node.name}`,
  programs: ({ node }: Machine) => `programs/${node.name}`,
  stage: ({ machine, number }: Seat) => `stage/${machine.node.name}/${number}`,
  start: ({ machine, number }: Seat) => `start/${machine.node.name}/${number}`,
  ready: ({ machine, number }: Seat) => `ready/${machine.node.name}/${number}`,
  stop: ({ machine, number }: Seat) => `stop/${machine.node.name}/${number + 1}`,
  pulling: ({ machine, number }: Seat) => `pulling/${machine.node.name}/${number}`,
  transfer: ({ x86 }: Pair, leg: number) => `transfer/${x86.node.name}/${leg}`,
  arrived: ({ machine, number }: Seat) => `arrived/${machine.node.name}/${number}`,
  served: ({ machine, number }: Seat) => `served/${machine.node.name}/${number + 1}`,
  prove: ({ machine }: Seat) => `prove/${machine.node.name}`,
  running: ({ machine }: Seat) => `running/${machine.node.name}`,
} as const;

/** One proxy from its start to its end: where it runs, and how to find its job. Leg `number` has brought the application there. */
export interface Seat {
  readonly machine: Machine;
  /** 0: where the application was started. */
  readonly number: number;
  readonly directory: (known: Known) => string;
  readonly job: (known: Known) => string;
  /** Everything newer is this proxy's, by its machine's clock. */
  readonly sinceMs: (known: Known) => number;
}

/** The name its job is put out by. */
export const proxyJob = "proxy";

/** A seat that this run fills. */
export function ownSeat(machine: Machine, number: number): Seat {
  const start = `start/${machine.node.name}/${number}`;
  return {
    machine,
    number,
    directory: ({ runId }) => `${machine.directory}/${runId}/${number}`,
    job: ({ outputs }) => startedJob(outputs, start, proxyJob)?.job ?? "",
    sinceMs: ({ outputs }) => numberFrom(outputs, start, "sinceMs"),
  };
}

/** An output an earlier step must have left; 0 where a plan is printed before the run. */
export function numberFrom(outputs: Outputs, step: string, key: string): number {
  const value = outputs[step]?.[key];
  return typeof value === "number" ? value : 0;
}
