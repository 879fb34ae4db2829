/**
 * Our side of the power benchmark, a process of its own. Started by `ours.ts`: takes orders over its channel, one at a time, and tells what
 * each cost it. `ours-process.js once FILE`: reads every BMC of the file with new sessions, prints the outcome and ends.
 */
import { readFileSync } from "node:fs";
import { takeOrders } from "../order-channel.js";
import { KeptFleet, readWithNewSessions, type FleetBmc, type FleetOutcome, type FleetVerb } from "./fleet.js";

export type Order =
  | { readonly kind: "open"; readonly bmcs: readonly FleetBmc[]; readonly actsDirectory: string }
  | { readonly kind: "read"; readonly rounds: number }
  | { readonly kind: "read-with-new-sessions"; readonly rounds: number }
  | { readonly kind: "set"; readonly verb: FleetVerb };

export interface Told extends FleetOutcome {
  /** Of each round. */
  readonly wallMs: readonly number[];
  readonly cpuMs: readonly number[];
}

let bmcs: readonly FleetBmc[] = [];
let fleet: KeptFleet | undefined;

async function obey(order: Order): Promise<Told> {
  switch (order.kind) {
    case "open": {
      ({ bmcs } = order);
      const opened = await KeptFleet.open(bmcs, order.actsDirectory);
      fleet = opened;
      return measured(1, () => opened.read());
    }
    case "read":
      return measured(order.rounds, () => kept().read());
    case "read-with-new-sessions":
      return measured(order.rounds, () => readWithNewSessions(bmcs));
    case "set":
      return measured(1, () => kept().set(order.verb));
  }
}

function kept(): KeptFleet {
  if (fleet === undefined) throw new Error("no fleet was opened");
  return fleet;
}

async function measured(rounds: number, work: () => Promise<FleetOutcome>): Promise<Told> {
  const wallMs: number[] = [];
  const cpuMs: number[] = [];
  let worst: FleetOutcome | undefined;
  for (let round = 0; round < rounds; round += 1) {
    const began = performance.now();
    const used = process.cpuUsage();
    const outcome = await work();
    const { user, system } = process.cpuUsage(used);
    wallMs.push(performance.now() - began);
    cpuMs.push((user + system) / 1e3);
    if (worst === undefined || outcome.succeeded < worst.succeeded) worst = outcome;
  }
  return { wallMs, cpuMs, succeeded: worst?.succeeded ?? 0, complaints: worst?.complaints.slice(0, 5) ?? [] };
}

const [, , mode, file] = process.argv;
if (mode === "once" && file !== undefined) {
  const outcome = await readWithNewSessions(JSON.parse(readFileSync(file, "utf8")) as FleetBmc[]);
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
} else {
  takeOrders(obey, async () => fleet?.close());
}
