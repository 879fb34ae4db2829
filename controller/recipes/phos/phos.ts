/**
 * PhOS (PhoenixOS): checkpoint and restore of programs that use a GPU. Built and run in a container of ours, proven by a sample that is
 * dumped and goes on after its restore. Policy only. Basis: facts, PhOS §1–§4.
 */
import type { PlanDraft, PlanInput, PlanProblem, Recipe, Step } from "../../deploy/recipe.js";
import { type Design, stepIds } from "./design.js";
import { jobsOf, run } from "./exercise.js";
import { type PhosParameters, phosParameters } from "./parameters.js";
import { planDesign } from "./problems.js";
import { reports } from "./report.js";
import { sampleOf } from "./samples.js";
import { buildSteps } from "./steps/build.js";
import { checkSteps } from "./steps/check.js";
import { checkpointIds, checkpointSteps } from "./steps/checkpoint.js";
import { daemonSteps } from "./steps/daemon.js";
import { prepareSteps } from "./steps/prepare.js";
import { endStep, sampleStep } from "./steps/sample.js";
import { undeploySteps } from "./steps/undeploy.js";

export const phos: Recipe<PhosParameters> = {
  name: "phos",
  summary: "PhOS, GPU checkpoint and restore, in a container on a machine with NVIDIA GPUs of capability 7.x or 8.x",
  roles: { gpu: { description: "has the GPUs, docker and nvidia-container-toolkit", min: 1, max: 1 } },
  parameters: phosParameters,
  deploy,
  undeploy,
  exercises: { run },
  reports,
  // Nothing of PhOS speaks on a serial line: what it says is in jobs and files, judged there.
  failureLines: [],
  logProfiles: [],
};

function deploy(input: PlanInput<PhosParameters>): PlanDraft | { readonly problems: readonly PlanProblem[] } {
  const design = planDesign(input);
  if ("problems" in design) return design;
  return {
    title: `phos on ${design.node.name}, in container ${design.container}`,
    steps: [checkSteps, prepareSteps, buildSteps, daemonSteps, proofSteps].flatMap((steps) => steps(design)),
  };
}

/** One checkpoint of one sample, restored. */
function proofSteps(design: Design): Step[] {
  const sample = sampleOf(design.parameters.sample);
  return [
    sampleStep(design, { sample, needs: [stepIds.daemon(design)] }),
    ...checkpointSteps(design, { sample, number: 1, needs: [stepIds.sample(design)], afterMs: 0 }),
    endStep(design, [checkpointIds(design, 1).restore], (known) => jobsOf(design, 1, known)),
  ];
}

function undeploy(input: PlanInput<PhosParameters>): PlanDraft | { readonly problems: readonly PlanProblem[] } {
  const design = planDesign(input);
  if ("problems" in design) return design;
  return { title: `${input.deployment}: container and leftovers removed`, steps: undeploySteps(design, input.previous) };
}
