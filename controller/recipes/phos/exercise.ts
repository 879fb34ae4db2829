/** `lab run phos`: a sample that is checkpointed again and again, each checkpoint proven by restoring it. */
import { z } from "zod";
import { startedJob, type Exercise, type Known, type PlanDraft, type Step } from "../../deploy/recipe.js";
import { inspectContainer, judgeRunning } from "./container.js";
import { type Design, seconds, stepIds } from "./design.js";
import { sampleNames, type PhosParameters } from "./parameters.js";
import { planDesign } from "./problems.js";
import { sampleOf } from "./samples.js";
import { look } from "./look.js";
import { checkpointIds, checkpointSteps } from "./steps/checkpoint.js";
import { daemonAlive } from "./steps/daemon.js";
import { rescueOf } from "./steps/rescue.js";
import { endStep, sampleStep } from "./steps/sample.js";

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };

const duration = z
  .string()
  .regex(/^[1-9]\d*(?:ms|s|m)$/, 'must be a time such as "10s"')
  .transform((text) => Number.parseInt(text, 10) * (units[text.replace(/^\d+/, "")] ?? 1));

const parameters = z.strictObject({
  sample: z.enum(sampleNames).default("resnet").describe("Which sample of examples/ runs"),
  checkpointEvery: duration
    .prefault("10s")
    .describe("How long it runs, after its start and after each restore, until it is dumped: 10s, 2m"),
  checkpoints: z.number().int().min(1).max(100).default(3).describe("How many checkpoints are taken and restored"),
});

type Request = z.infer<typeof parameters>;

export const run: Exercise<PhosParameters, Request> = {
  summary: "runs a sample, checkpoints it every so often and restores every checkpoint",
  parameters,
  plan(input, request) {
    const design = planDesign(input);
    if ("problems" in design) return design;
    const daemon = startedJob(input.previous, stepIds.daemon(design), "daemon");
    if (daemon === undefined)
      return { problems: [{ at: "recipe", problem: `nothing is deployed: no daemon was started; first lab deploy ${input.deployment}` }] };
    return plan(design, daemon.job, request);
  },
};

function plan(design: Design, daemon: string, { sample: name, checkpointEvery: afterMs, checkpoints }: Request): PlanDraft {
  const sample = sampleOf(name);
  const steps: Step[] = [alive(design, daemon), sampleStep(design, { sample, needs: [stepIds.check(design)] })];
  for (let number = 1; number <= checkpoints; number += 1) {
    const needs = [number === 1 ? stepIds.sample(design) : checkpointIds(design, number - 1).restore];
    steps.push(...checkpointSteps(design, { sample, number, needs, afterMs }));
  }
  steps.push(endStep(design, [checkpointIds(design, checkpoints).restore], (known) => jobsOf(design, checkpoints, known)));
  return {
    title: `${name} on ${design.node.name}, ${checkpoints} checkpoint${checkpoints === 1 ? "" : "s"}, one every ${afterMs / seconds} s`,
    // A run that fails leaves no program behind that would stand in the way of the next one.
    steps: steps.map((step) => (step.phase === "check" || step.phase === "end" ? step : { ...step, rescue: rescueOf(design) })),
  };
}

export function jobsOf(design: Design, checkpoints: number, { outputs }: Known): (string | undefined)[] {
  const restores = Array.from(
    { length: checkpoints },
    (_, index) => startedJob(outputs, checkpointIds(design, index + 1).restore, "restore")?.job,
  );
  return [startedJob(outputs, stepIds.sample(design), "sample")?.job, ...restores];
}

function alive(design: Design, daemon: string): Step {
  return {
    id: stepIds.check(design),
    phase: "check",
    node: design.node.name,
    title: "container and daemon are there",
    needs: [],
    repeat: "repeatable",
    evidence: [
      look("the container runs", inspectContainer(design), (result) => judgeRunning(result, design)),
      ...daemonAlive(design, () => daemon).map((each) => (each.kind === "console" ? each : { ...each, withinMs: 15 * seconds })),
    ],
  };
}
