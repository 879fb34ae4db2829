/**
 * Phoenix (OrderLab): a kernel that preserves parts of a process over its restart, its runtime, and its experiments with redis.
 * Policy only: what to do and what must be seen. Basis: facts, Phoenix §1–§3.
 */
import type { Exercise, PlanDraft, PlanInput, PlanProblem, Recipe } from "../../deploy/recipe.js";
import { phoenixRelease } from "./design.js";
import { type ExperimentParameters, experimentParameters, modesOf, type PhoenixParameters, phoenixParameters } from "./parameters.js";
import { planNode } from "./problems.js";
import { reports } from "./reports.js";
import { checkSteps } from "./steps/check.js";
import { defaultKernelSteps } from "./steps/default-kernel.js";
import { type Experiment, experimentSteps } from "./steps/experiment.js";
import { writeStamp } from "./stamp.js";
import { kernelSteps } from "./steps/kernel.js";
import { runtimeSteps } from "./steps/runtime.js";
import { sourceSteps } from "./steps/source.js";
import { undeploySteps } from "./steps/undeploy.js";

type Draft = PlanDraft | { readonly problems: readonly PlanProblem[] };

const run: Exercise<PhoenixParameters, ExperimentParameters> = {
  summary: "crash a loaded redis and measure how it recovers",
  parameters: experimentParameters,
  plan: runExperiment,
};

export const phoenix: Recipe<PhoenixParameters> = {
  name: "phoenix",
  summary: `Phoenix: kernel ${phoenixRelease}, runtime and redis experiments, on one Ubuntu 22.04 machine`,
  roles: { node: { description: "is built on, booted into the Phoenix kernel, and runs the experiments, alone", min: 1, max: 1 } },
  parameters: phoenixParameters,
  deploy,
  undeploy,
  exercises: { run: run as Exercise<PhoenixParameters>, experiment: run as Exercise<PhoenixParameters> },
  reports,
  failureLines: [],
  logProfiles: [],
};

function deploy(input: PlanInput<PhoenixParameters>): Draft {
  const design = planNode(input);
  if ("problems" in design) return design;
  const { proofCase, proofKillTimeS } = input.parameters;
  const proof: Experiment = {
    case: proofCase,
    modes: ["phx"],
    repeat: 1,
    killTimeS: proofKillTimeS,
    group: undefined,
    first: (known) => writeStamp(design, "apps", design.ids.apps, known),
  };
  return {
    title: `Phoenix on ${design.node.name}: kernel ${phoenixRelease}, runtime, redis experiments`,
    steps: [
      ...[checkSteps, sourceSteps, kernelSteps, runtimeSteps].flatMap((steps) => steps(design)),
      ...experimentSteps(design, proof, [design.ids.apps]),
      ...defaultKernelSteps(design),
    ],
  };
}

function undeploy(input: PlanInput<PhoenixParameters>): Draft {
  const design = planNode(input, { way: false });
  if ("problems" in design) return design;
  return { title: `${input.deployment}: back to the old kernel`, steps: undeploySteps(design, input.previous) };
}

function runExperiment(input: PlanInput<PhoenixParameters>, request: ExperimentParameters): Draft {
  const design = planNode(input);
  if ("problems" in design) return design;
  if (input.previous[design.ids.apps] === undefined)
    return { problems: [{ at: "deployment", problem: `${input.deployment} is not deployed; lab deploy ${input.deployment} first` }] };
  const modes = modesOf(request.mode);
  const { case: issue, repeat, killTime: killTimeS, group } = request;
  return {
    title: `${request.experiment}, case ${issue}: ${modes.join(", ")}, ${repeat} time${repeat === 1 ? "" : "s"} each, on ${design.node.name}`,
    steps: experimentSteps(design, { case: issue, modes, repeat, killTimeS, group }, []),
  };
}
