/** A small lab for tests of the lego recipe: its nodes, inputs of a plan, and what a run would know. */
import type { Known, Outputs, PlanDraft, PlanInput, PlannedNode, PlanProblem } from "../../../controller/deploy/recipe.js";
import { lego } from "../../../controller/recipes/lego/lego.js";
import { type LegoParameters, legoParameters } from "../../../controller/recipes/lego/parameters.js";

export function plannedNode(name: string, more: Partial<PlannedNode> = {}): PlannedNode {
  return {
    name,
    arch: "x86_64",
    address: "10.0.0.1",
    reach: "agent",
    ssh: undefined,
    hasPower: true,
    console: { line: "ttyS1", baudRate: 115200 },
    ...more,
  };
}

export interface LegoLab {
  readonly roles?: Readonly<Record<string, readonly PlannedNode[]>>;
  /** `with:` as an inventory has it. */
  readonly with?: Readonly<Record<string, unknown>>;
  readonly previous?: Outputs;
}

/** 1P-1M-1S unless `roles` says otherwise. */
export function planInput(lab: LegoLab = {}): PlanInput<LegoParameters> {
  return {
    deployment: "lego-1p1m1s",
    parameters: legoParameters.parse(lab.with ?? {}),
    roles: { processor: [plannedNode("p0")], memory: [plannedNode("m0")], storage: [plannedNode("s0")], monitor: [], ...lab.roles },
    previous: lab.previous ?? {},
  };
}

/** The plan, or an error that shows the problems. */
export function planned(draft: PlanDraft | { readonly problems: readonly PlanProblem[] }): PlanDraft {
  if ("problems" in draft) throw new Error(draft.problems.map(({ at, problem }) => `${at}: ${problem}`).join("\n"));
  return draft;
}

export function deployPlan(lab: LegoLab = {}): PlanDraft {
  return planned(lego.deploy(planInput(lab)));
}

export function problemsOf(lab: LegoLab): string[] {
  const draft = lego.deploy(planInput(lab));
  return "problems" in draft ? draft.problems.map(({ at, problem }) => `${at}: ${problem}`) : [];
}

/** What a run of 1P-1M-1S on p0, m0 and s0 knows once its check, build and install are through. */
export const known: Known = {
  runId: "20261121-0312-k7",
  nonce: "k793ac",
  agentConnected: true,
  outputs: {
    "check/p0": checkOutputs("3.10.0", "boot-p", 42),
    "check/m0": checkOutputs("3.10.0", "boot-m", 23),
    "check/s0": checkOutputs("3.11.1", "boot-s", 8),
    "build/p0": { sha256: "aa11" },
    "build/m0": { sha256: "bb22" },
    "install/p0/image": { release: "4.0.0-lego-P+" },
    "install/m0/image": { release: "4.0.0-lego-M+" },
  },
};

function checkOutputs(kernelRelease: string, bootId: string, lid: number): Outputs[string] {
  return { kernelRelease, bootId, lid, cpuCount: 12, defaultKernel: "/vmlinuz-3.10.0", kernelDirectory: "/" };
}
