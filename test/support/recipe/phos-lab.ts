/** A machine with a GPU for tests of the phos recipe: inputs of a plan, and what a run would know. */
import type { Known, Outputs, PlanDraft, PlanInput, PlannedNode } from "../../../controller/deploy/recipe.js";
import { type PhosParameters, phosParameters } from "../../../controller/recipes/phos/parameters.js";
import { phos } from "../../../controller/recipes/phos/phos.js";
import { planned, plannedNode } from "./lego-lab.js";

export interface PhosLab {
  readonly gpu?: Partial<PlannedNode>;
  /** `with:` as an inventory has it. */
  readonly with?: Readonly<Record<string, unknown>>;
  readonly previous?: Outputs;
}

/** No BMC, no console: PhOS needs neither. */
export function phosInput(lab: PhosLab = {}): PlanInput<PhosParameters> {
  return {
    deployment: "phos",
    parameters: phosParameters.parse(lab.with ?? {}),
    roles: { gpu: [plannedNode("gpu0", { hasPower: false, console: undefined, ...lab.gpu })] },
    previous: lab.previous ?? {},
  };
}

export function phosPlan(lab: PhosLab = {}): PlanDraft {
  return planned(phos.deploy(phosInput(lab)));
}

export function phosProblems(lab: PhosLab): string[] {
  const draft = phos.deploy(phosInput(lab));
  return "problems" in draft ? draft.problems.map(({ at, problem }) => `${at}: ${problem}`) : [];
}

/** `lab run phos` with these options. */
export function exercisePlan(options: Readonly<Record<string, unknown>> = {}, lab: PhosLab = { previous: deployed }): PlanDraft {
  const exercise = phos.exercises?.["run"];
  if (exercise === undefined) throw new Error("phos has no exercise run");
  return planned(exercise.plan(phosInput(lab), exercise.parameters.parse(options)));
}

const job = (name: string, startedMs: number) => ({ job: `k7.${name}`, pid: 4242, startedMs });

/** What deploy and its first checkpoint put out. */
export const deployed: Outputs = {
  "check/gpu0": {
    dockerRoot: "/var/lib/docker",
    gpuNames: ["NVIDIA A100-SXM4-80GB"],
    gpuCount: 1,
    container: "absent",
    running: false,
    cloned: false,
  },
  "clone/gpu0": { commit: "0a4f6d5b1c2e3f405162738495a6b7c8d9e0f1a2" },
  "configure/gpu0": { daemonLog: "/var/log/phos/daemon" },
  "daemon/gpu0": { daemon: job("daemon", 1_000_000) },
  "sample/gpu0": { sample: job("sample", 2_000_000), pid: 77, at: 3, seenMs: 2_010_000 },
};

export const known: Known = {
  runId: "20261121-0312-k7",
  nonce: "k793ac",
  agentConnected: true,
  outputs: {
    ...deployed,
    ...Object.fromEntries(
      [1, 2, 3].flatMap((number) => [
        [`ready/gpu0/${number}`, { gpuUsedMiB: 9000, at: 30 * number, seenMs: 2_020_000 + 40_000 * number }],
        [
          `dump/gpu0/${number}`,
          { at: 30 * number + 2, logBytes: 1000 * number, bytes: 9_000_000, dumpMs: 2500, dumpedMs: 2_025_000 + 40_000 * number },
        ],
        [
          `restore/gpu0/${number}`,
          {
            restore: job(`restore-${number}`, 2_030_000 + 40_000 * number),
            restoreMs: 3100,
            resumedAt: 30 * number + 3,
            reached: 30 * number + 5,
            seenMs: 2_035_000 + 40_000 * number,
          },
        ],
      ]),
    ),
  },
};
