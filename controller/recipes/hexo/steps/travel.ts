/** The whole way of an application: its start, every migration, and the proof at its end. */
import type { Step } from "../../../deploy/recipe.js";
import { type Design, minutes, ownSeat, type Seat, seconds, stepIds } from "../design.js";
import { type Leg, planJourney } from "../journey.js";
import { judgeContinued, judgeFinished, progressOf } from "../proxy-output.js";
import { type Asking, carry, pulling, served, stop } from "./migrate.js";
import { stage, startSteps } from "./start.js";

/** From the programs in place to the proof. */
export function travelSteps(design: Design, needs: readonly string[]): Step[] {
  const { start, legs } = planJourney(design.parameters);
  const seats = [ownSeat(design.pair[start], 0), ...legs.map((leg) => ownSeat(design.pair[leg.to], leg.number))];
  const [first] = seats;
  if (first === undefined) return [];
  return [
    ...firstStart(design, first, needs, legs.length > 0),
    ...legs.flatMap((leg) => migration(design, leg, seats)),
    prove(design, seats),
  ];
}

/** `moves`: whether it will be asked to migrate. */
export function firstStart(design: Design, seat: Seat, needs: readonly string[], moves: boolean): Step[] {
  const start = { resume: false, migtest: moves ? ownTimer(design) : 0, server: undefined };
  return [stage(seat, needs), ...startSteps(design, seat, start, [stepIds.stage(seat)])];
}

function ownTimer({ parameters }: Design): number {
  return parameters.request === "migtest" ? parameters.migtest : 0;
}

function migration(design: Design, leg: Leg, seats: readonly Seat[]): Step[] {
  const { parameters } = design;
  const [before, source, target] = [seats[leg.number - 2], seats[leg.number - 1], seats[leg.number]];
  if (source === undefined || target === undefined) return [];
  const moves = leg.number < seats.length - 1;
  const asking: Asking = {
    signalAfterMs: parameters.request === "signal" ? parameters.migtest * seconds : undefined,
    migtest: ownTimer(design),
    before: ({ outputs }) => (before === undefined ? undefined : progressOf(outputs[stepIds.stop(before)])),
  };
  // Memory that is still with an earlier source would be missing in the next checkpoint.
  const left = before !== undefined && parameters.mode === "post-copy" ? [stepIds.served(before), stepIds.pulling(source)] : [];
  return [
    stop(design, source, asking, [stepIds.ready(source), ...left]),
    ...resumption(design, source, target, moves ? ownTimer(design) : 0, before),
    ...(moves && parameters.mode === "post-copy" ? [pulling(design, source, target)] : []),
  ];
}

/** From a checkpoint that is there to an application that runs on the other side, where it was before at seat `left`. */
export function resumption(design: Design, source: Seat, target: Seat, migtest: number, left?: Seat): Step[] {
  const isPostCopy = design.parameters.mode === "post-copy";
  const start = { resume: true, migtest, server: isPostCopy ? source.machine.address : undefined };
  return [
    stage(target, [stepIds.stop(source)], left),
    ...carry(design, source, target, []),
    ...startSteps(design, target, start, [stepIds.arrived(target)], stepIds.stop(source)),
    ...(isPostCopy ? [served(design, source, [stepIds.ready(target)])] : []),
  ];
}

/** Never by exit codes: it went on where it had stopped, and says that its result is right. */
function prove({ pair, parameters, signs }: Design, seats: readonly Seat[]): Step {
  const [before, last] = seats.slice(-2);
  if (before === undefined || last === undefined) throw new Error("a journey has two seats at least");
  return {
    id: stepIds.prove(last),
    phase: "prove",
    node: last.machine.node.name,
    title: signs.success === undefined ? "it goes on where it stopped, and ends" : "it goes on where it stopped, and its result is right",
    // Not the source: a board that fails must be seen while its source waits for it.
    needs: [stepIds.ready(last)],
    repeat: "repeatable",
    evidence: [
      {
        kind: "job",
        job: last.job,
        claim: `the output on ${last.machine.node.name} continues that of ${pair[before.machine.side].node.name}`,
        withinMs: parameters.finishWithinMin * minutes,
        judge: (job, { outputs }) => judgeContinued(job, signs.iterations, progressOf(outputs[stepIds.stop(before)])),
      },
      {
        kind: "job",
        job: last.job,
        claim: signs.success === undefined ? "the application has come to its end" : "the application says that its result is right",
        withinMs: parameters.finishWithinMin * minutes,
        judge: (job) => judgeFinished(job, signs.success),
      },
    ],
  };
}
