/**
 * LegoOS over InfiniBand: one processor manager, one memory manager, with or without a storage manager on Linux.
 * Policy only: what to do and what must be seen. Basis: facts, LegoOS §1–§11.
 */
import type { PlanDraft, PlanInput, PlanProblem, Recipe } from "../../deploy/recipe.js";
import { clusterName, type Member } from "./cluster.js";
import type { Design } from "./design.js";
import { failureLines } from "./failure-lines.js";
import { logProfiles } from "./log-profiles.js";
import { parseMemmap } from "./memmap.js";
import { type LegoParameters, legoParameters } from "./parameters.js";
import { planCluster } from "./problems.js";
import { buildSteps } from "./steps/build.js";
import { checkSteps } from "./steps/check.js";
import { configureSteps } from "./steps/configure.js";
import { installSteps } from "./steps/install.js";
import { startSteps } from "./steps/start.js";
import { undeploySteps } from "./steps/undeploy.js";

export const lego: Recipe<LegoParameters> = {
  name: "lego",
  summary: "LegoOS 1P-1M or 1P-1M-1S over InfiniBand, on CentOS 7 nodes with ConnectX-3",
  roles: {
    processor: { description: "runs the processor manager and the user program", min: 1, max: 64 },
    memory: { description: "runs the memory manager", min: 1, max: 64 },
    storage: {
      description: "runs the storage manager as modules of its Linux; without it the program is linked into memory's image",
      min: 0,
      max: 1,
    },
    monitor: {
      description: "runs the global monitors that more than one processor or memory manager needs; not supported yet",
      min: 0,
      max: 64,
    },
  },
  parameters: legoParameters,
  deploy,
  undeploy,
  failureLines,
  logProfiles,
};

function deploy(input: PlanInput<LegoParameters>): PlanDraft | { readonly problems: readonly PlanProblem[] } {
  const cluster = planCluster(input);
  if ("problems" in cluster) return cluster;
  const memmap = parseMemmap(input.parameters.memmap);
  if ("problem" in memmap) return { problems: [{ at: "with.memmap", problem: memmap.problem }] };
  const design: Design = { cluster, parameters: input.parameters, memmap };
  return {
    title: `lego ${clusterName(cluster)} on ${cluster.members.map(describe).join(", ")}`,
    steps: [checkSteps, configureSteps, buildSteps, installSteps, startSteps].flatMap((steps) => steps(design)),
  };
}

function undeploy(input: PlanInput<LegoParameters>): PlanDraft | { readonly problems: readonly PlanProblem[] } {
  const { steps, problems } = undeploySteps(input);
  if (problems.length > 0) return { problems };
  return { title: `${input.deployment}: back to Linux`, steps };
}

function describe({ node, role }: Member): string {
  return `${node.name} (${role})`;
}
