/**
 * HEXO: a unikernel that moves between an x86-64 machine and an arm64 board, as Popcorn Linux's HermitCore does it.
 * Policy only: what to do and what must be seen. Basis: facts, HEXO §1–§4.
 */
import type { PlanDraft, PlanInput, PlanProblem, Recipe } from "../../deploy/recipe.js";
import { formDesign, stepIds } from "./design.js";
import { exercises } from "./exercises.js";
import { failureLines } from "./failure-lines.js";
import { planJourney } from "./journey.js";
import { type HexoParameters, hexoParameters } from "./parameters.js";
import { reportPhases } from "./phase-times.js";
import { planPair } from "./problems.js";
import { buildSteps, toolchainSteps } from "./steps/build.js";
import { checkSteps } from "./steps/check.js";
import { travelSteps } from "./steps/travel.js";
import { undeploySteps } from "./steps/undeploy.js";

export const hexo: Recipe<HexoParameters> = {
  name: "hexo",
  summary: "HEXO: a unikernel that migrates between an x86-64 server and an arm64 board",
  roles: {
    x86: { description: "builds for both, and runs the application under KVM; it logs in to the board by ssh", min: 1, max: 1 },
    board: { description: "arm64 board with KVM; reached by its own agent or by ssh", min: 1, max: 1 },
  },
  parameters: hexoParameters,
  deploy,
  undeploy,
  exercises,
  reports: reportPhases,
  failureLines,
  logProfiles: [],
};

function deploy(input: PlanInput<HexoParameters>): PlanDraft | { readonly problems: readonly PlanProblem[] } {
  const { parameters } = input;
  const pair = planPair(input, parameters);
  if ("problems" in pair) return pair;
  const design = formDesign(pair, parameters);
  const { legs } = planJourney(parameters);
  const sources = [...new Set(legs.map(({ from }) => from))];
  return {
    title: `hexo ${parameters.app}, ${parameters.mode}, ${legs.map(({ from, to }) => `${pair[from].node.name} → ${pair[to].node.name}`).join(", ")}`,
    steps: [
      ...checkSteps(design, sources, false),
      ...toolchainSteps(design),
      ...buildSteps(design),
      ...travelSteps(design, [stepIds.programs(pair.arm)]),
    ],
  };
}

function undeploy(input: PlanInput<HexoParameters>): PlanDraft | { readonly problems: readonly PlanProblem[] } {
  const pair = planPair(input, undefined);
  if ("problems" in pair) return pair;
  return {
    title: `${input.deployment}: its proxies ended, its checkpoints removed`,
    steps: undeploySteps(pair, input.parameters, input.previous),
  };
}
