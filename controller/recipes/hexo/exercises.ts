/** What can be done with a pair that is deployed: let the application travel again, or hold it and move it on demand. */
import { z } from "zod";
import type { Exercise, Outputs, PlanDraft, PlanInput, PlanProblem, Requirement, Step } from "../../deploy/recipe.js";
import { type Application, applicationOutput, findApplication, heldSeat } from "./application.js";
import { type Design, formDesign, ownSeat, type Seat, seconds, stepIds } from "./design.js";
import { planJourney } from "./journey.js";
import { judgeContinued, judgeNotFailed, progressOf } from "./proxy-output.js";
import { direction, type HexoParameters, migtest, mode, request, rounds } from "./parameters.js";
import { planPair } from "./problems.js";
import { programsOn } from "./steps/build.js";
import { checkSteps, moveCheckSteps } from "./steps/check.js";
import { stop } from "./steps/migrate.js";
import { firstStart, resumption, travelSteps } from "./steps/travel.js";

type Draft = PlanDraft | { readonly problems: readonly PlanProblem[] };

const runRequest = z.strictObject({
  mode: mode.optional(),
  direction: direction.optional(),
  rounds: rounds.optional(),
  request: request.optional(),
  migtest: migtest.optional(),
  hold: z.boolean().default(false).describe("Start the application and leave it running; `migrate` moves it"),
});

const migrateRequest = z.strictObject({ to: z.enum(["arm", "x86"]).describe("Where the application goes") });

const run: Exercise<HexoParameters, z.infer<typeof runRequest>> = {
  summary: "runs the application once more, with its migrations; whatever is not said is as deployed",
  parameters: runRequest,
  plan: (input, { hold, ...asked }) => {
    const said = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
    // Rounds of a deployment that plays ping-pong mean nothing to a run that goes one way.
    const oneWay = asked.direction !== undefined && asked.direction !== "ping-pong" && asked.rounds === undefined ? { rounds: 1 } : {};
    const parameters: HexoParameters = { ...input.parameters, ...oneWay, ...said };
    const pair = planPair({ ...input, parameters }, parameters);
    const problems = ["problems" in pair ? asRequested(pair.problems, asked) : [], notDeployed(input.previous)].flat();
    if ("problems" in pair || problems.length > 0) return { problems };
    const design = formDesign(pair, parameters);
    return hold ? holding(design, input) : travelling(design, input);
  },
};

const migrate: Exercise<HexoParameters, z.infer<typeof migrateRequest>> = {
  summary: "moves the application that was left running to the other machine, and leaves it running there",
  parameters: migrateRequest,
  plan: (input, { to }) => {
    const application = findApplication(input.previous);
    const { mode } = application ?? input.parameters;
    const direction = to === "arm" ? "x86-to-arm" : "arm-to-x86";
    const pair = planPair(input, { mode, direction, rounds: 1, request: "signal" });
    const problems = ["problems" in pair ? pair.problems : [], noApplication(application, to)].flat();
    if ("problems" in pair || application === undefined || problems.length > 0) return { problems };
    return moving(formDesign(pair, { ...input.parameters, mode: application.mode }), application, to);
  },
};

export const exercises: Readonly<Record<string, Exercise<HexoParameters>>> = {
  run: run as Exercise<HexoParameters>,
  migrate: migrate as Exercise<HexoParameters>,
};

/** What was asked of the exercise is named as that. */
function asRequested(problems: readonly PlanProblem[], asked: Readonly<Record<string, unknown>>): PlanProblem[] {
  return problems.map(({ at, problem }) => {
    const name = at.replace(/^with\./, "");
    return { at: at.startsWith("with.") && asked[name] !== undefined ? `request.${name}` : at, problem };
  });
}

function notDeployed(previous: Outputs): PlanProblem[] {
  const isBuilt = Object.keys(previous).some((step) => step.startsWith("programs/"));
  return isBuilt ? [] : [{ at: "deployment", problem: "nothing is deployed: lab deploy first, which builds the programs" }];
}

function noApplication(application: Application | undefined, to: string): PlanProblem[] {
  if (application === undefined)
    return [{ at: "deployment", problem: "no application was left running: lab run DEPLOYMENT run --hold true first" }];
  return application.side === to ? [{ at: "request.to", problem: `the application is on ${to} already` }] : [];
}

function travelling(design: Design, { previous }: PlanInput<HexoParameters>): Draft {
  const { pair, parameters } = design;
  const { start, legs } = planJourney(parameters);
  return {
    title: `${parameters.app}: ${parameters.mode}, ${parameters.direction}${legs.length > 1 ? ` ${legs.length / 2} times` : ""} from ${pair[start].node.name}`,
    steps: [
      ...againSteps(design, [...new Set(legs.map(({ from }) => from))], previous),
      ...travelSteps(design, [stepIds.programs(pair.arm)]),
    ],
  };
}

function holding(design: Design, { previous }: PlanInput<HexoParameters>): Draft {
  const { pair, parameters } = design;
  const { start } = planJourney(parameters);
  const seat = ownSeat(pair[start], 0);
  return {
    title: `${parameters.app}: started on ${seat.machine.node.name} and left running`,
    steps: [
      ...againSteps(design, ["x86", "arm"], previous),
      ...firstStart(design, seat, [stepIds.programs(pair.arm)], false),
      running(design, seat, { sequence: nextSequence(previous), stopStep: undefined }),
    ],
  };
}

/** The machines as before a deployment, the programs as the deployment left them. */
function againSteps(design: Design, sources: readonly ("x86" | "arm")[], previous: Outputs): Step[] {
  const checks = checkSteps(design, sources, true);
  return [
    ...checks,
    programsOn(
      design,
      checks.map(({ id }) => id),
      previous,
    ),
  ];
}

function moving(design: Design, application: Application, to: "arm" | "x86"): Draft {
  const { pair } = design;
  const source = heldSeat(application, pair);
  const target = ownSeat(pair[to], 1);
  const checks = moveCheckSteps(design, application.side);
  const asking = { signalAfterMs: 0, migtest: 0, before: () => application.before };
  return {
    title: `from ${source.machine.node.name} to ${target.machine.node.name}`,
    steps: [
      ...checks,
      stop(
        design,
        source,
        asking,
        checks.map(({ id }) => id),
      ),
      ...resumption(design, source, target, 0).filter(({ phase }) => phase !== "served"),
      running(design, target, { sequence: application.sequence + 1, stopStep: stepIds.stop(source) }),
    ],
  };
}

function nextSequence(previous: Outputs): number {
  return (findApplication(previous)?.sequence ?? 0) + 1;
}

/**
 * The application runs where it is, and when it was resumed it has gone on where it stopped. Without an iteration printed before, the
 * next migration could not be told from a new start.
 */
function running(design: Design, seat: Seat, { sequence, stopStep }: { sequence: number; stopStep: string | undefined }): Step {
  const { parameters, signs } = design;
  const { machine } = seat;
  const goesOn: Requirement = {
    kind: "job",
    job: seat.job,
    claim: stopStep === undefined ? "the application has begun" : "the output continues where it had stopped",
    withinMs: parameters.restoreWithinS * seconds,
    judge: (job, { outputs }) => judgeContinued(job, signs.iterations, progressOf(stopStep === undefined ? undefined : outputs[stopStep])),
  };
  return {
    id: stepIds.running(seat),
    phase: "running",
    node: machine.node.name,
    title: "the application runs, and is left running",
    needs: [stepIds.ready(seat)],
    repeat: "repeatable",
    evidence: [
      goesOn,
      {
        kind: "job",
        job: seat.job,
        claim: "the application is left running",
        withinMs: 15 * seconds,
        judge: (job, known) => {
          const verdict = judgeNotFailed(job);
          if (!verdict.ok) return verdict;
          const before = stopStep === undefined ? undefined : progressOf(known.outputs[stopStep]);
          const application: Application = {
            sequence,
            side: machine.side,
            directory: seat.directory(known),
            job: seat.job(known),
            sinceMs: seat.sinceMs(known),
            mode: parameters.mode,
            before,
          };
          return { ok: true, lines: [`proxy, process ${job.pid}`], outputs: applicationOutput(application) };
        },
      },
    ],
  };
}
