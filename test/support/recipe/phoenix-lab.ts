/** A node for tests of the phoenix recipe: inputs of a plan, and what a run would know. */
import type { Json, Known, Outputs, PlanDraft, PlanInput, PlannedNode, Requirement, Step } from "../../../controller/deploy/recipe.js";
import { experimentParameters, type PhoenixParameters, phoenixParameters } from "../../../controller/recipes/phoenix/parameters.js";
import { phoenix } from "../../../controller/recipes/phoenix/phoenix.js";
import { planned, plannedNode } from "./lego-lab.js";

export interface PhoenixLab {
  readonly nodes?: readonly PlannedNode[];
  /** `with:` as an inventory has it. */
  readonly with?: Readonly<Record<string, unknown>>;
  readonly previous?: Outputs;
}

export function planInput({ nodes = [plannedNode("x0")], with: given = {}, previous = {} }: PhoenixLab = {}): PlanInput<PhoenixParameters> {
  return { deployment: "phoenix", parameters: phoenixParameters.parse(given), roles: { node: nodes }, previous };
}

export function deployPlan(lab: PhoenixLab = {}): PlanDraft {
  return planned(phoenix.deploy(planInput(lab)));
}

export function undeployPlan(lab: PhoenixLab = {}): PlanDraft {
  return planned(phoenix.undeploy(planInput({ previous: known.outputs, ...lab })));
}

/** `asked`: the options of `lab run`. */
export function runPlan(asked: Readonly<Record<string, unknown>> = {}, lab: PhoenixLab = {}): PlanDraft {
  const exercise = phoenix.exercises?.["run"];
  if (exercise === undefined) throw new Error("no exercise run");
  return planned(exercise.plan(planInput({ previous: known.outputs, ...lab }), experimentParameters.parse(asked)));
}

export function stepOf(plan: PlanDraft, id: string): Step {
  const found = plan.steps.find((each) => each.id === id);
  if (found === undefined) throw new Error(`no step ${id}; there are ${plan.steps.map((each) => each.id).join(", ")}`);
  return found;
}

/** Everything that must have succeeded before this step. */
export function before(plan: PlanDraft, id: string): Set<string> {
  const seen = new Set<string>();
  const visit = (each: string) => {
    for (const need of stepOf(plan, each).needs) {
      if (seen.has(need)) continue;
      seen.add(need);
      visit(need);
    }
  };
  visit(id);
  return seen;
}

/** The requirement of a step whose claim matches. */
export function requirementOf<K extends Requirement["kind"]>(step: Step, kind: K, claim: RegExp): Extract<Requirement, { kind: K }> {
  const found = step.evidence.find((each) => each.kind === kind && "claim" in each && claim.test(each.claim));
  if (found === undefined) throw new Error(`step ${step.id} has no ${kind} requirement ${String(claim)}`);
  return found as Extract<Requirement, { kind: K }>;
}

export const oldRelease = "5.15.0-91-generic";
const uuid = "6f1d4a1e-2b0c-4a57-9f0e-6f7f1c1a2b3c";
export const oldEntry = `gnulinux-advanced-${uuid}>gnulinux-${oldRelease}-advanced-${uuid}`;
export const newEntry = `gnulinux-advanced-${uuid}>gnulinux-5.15.94+-advanced-${uuid}`;

const seen = { release: oldRelease, entry: oldEntry, defaultEntry: "", aslr: "2", sysctlLine: "" };
const archives: Json = ["linux-image-5.15.94+", "linux-headers-5.15.94+", "linux-libc-dev"].map((name) => `${name}_5.15.94+-1_amd64.deb`);

/** What a run knows once all its steps are through. */
export const known: Known = {
  runId: "20261121-0312-k7",
  nonce: "k7-93ac",
  agentConnected: true,
  outputs: {
    "check/x0": { ...seen, kernelRelease: oldRelease, bootId: "boot-old", cpuCount: 32, resuming: false, recorded: false },
    "record/x0": seen,
    "kernel/x0": { archives, number: 1, stamp: "aa  /root/phoenix/linux-image\n" },
    "install/x0/packages": { newEntry },
    "boot/x0": { bootId: "boot-new", endedBootId: "boot-old" },
    "runtime/x0": { stamp: "bb  /root/phoenix/glibc/build/libc.so\n" },
    "sysroot/x0": { stamp: "cc  /root/sysroot/lib/libc.so.6\n" },
    "tools/x0": { stamp: "dd  /root/phoenix/tools/ycsb-bin/bin/ycsb\n" },
    "apps/x0": { stamp: "ee  /root/phoenix/apps/redis/rel-phx-72/bin/redis-server\n" },
    "recall/x0": {
      ...seen,
      running: "5.15.94+",
      bootId: "boot-new",
      toRemove: ["linux-image-5.15.94+", "linux-headers-5.15.94+", "linux-libc-dev"],
      libcInstalled: true,
      marked: true,
    },
  },
};
