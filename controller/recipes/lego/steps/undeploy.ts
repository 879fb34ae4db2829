/**
 * Back to Linux (facts: LegoOS §9 rollback, §10). LegoOS cannot shut down and the storage modules cannot be unloaded: managers are
 * power-cycled, storage is rebooted, and each must come up as the Linux it was, as a new boot.
 */
import type {
  Act,
  FactsSeen,
  Json,
  Known,
  Outputs,
  PlanInput,
  PlanProblem,
  PlannedNode,
  Requirement,
  Step,
  Verdict,
} from "../../../deploy/recipe.js";
import { bootEntryId, minutes, seconds } from "../design.js";
import { judgePort } from "../node-tools.js";
import type { LegoParameters } from "../parameters.js";

interface Leaving {
  readonly node: PlannedNode;
  readonly role: "processor" | "memory" | "storage";
  /** What the deployment's check saw on this node. */
  readonly before: Outputs[string];
}

export function undeploySteps({ roles, previous }: PlanInput<LegoParameters>): {
  steps: readonly Step[];
  problems: readonly PlanProblem[];
} {
  const leaving = (["processor", "memory", "storage"] as const).flatMap((role) =>
    (roles[role] ?? []).map((node): Leaving => ({ node, role, before: previous[`check/${node.name}`] ?? {} })),
  );
  const problems = leaving
    .filter(({ node, role }) => role !== "storage" && !node.hasPower)
    .map(({ node, role }) => ({ at: `roles.${role}`, problem: `${node.name} has no power control; only a power cycle ends LegoOS` }));
  return {
    problems,
    steps: [...leaving.map(takeDown), ...leaving.map(linuxAgain), ...leaving.filter(({ role }) => role !== "storage").map(removeEntry)],
  };
}

function downId({ node, role }: Leaving): string {
  return role === "storage" ? `reboot/${node.name}` : `power/${node.name}`;
}

function takeDown(leaving: Leaving): Step {
  const { node, role } = leaving;
  return {
    id: downId(leaving),
    phase: role === "storage" ? "reboot" : "power",
    node: node.name,
    title: role === "storage" ? "reboot by its agent, by power when that does not answer" : "power cycle",
    needs: [],
    repeat: "verify",
    acts: (known) => (role === "storage" ? rebootActs(node, known) : cycleActs(known)),
    evidence: node.hasPower ? [{ kind: "power", state: "on", claim: "the node is powered", withinMs: 30 * seconds }] : [],
    watch: "until-here",
    uninterruptible: true,
  };
}

/** A node still in Linux was armed, perhaps, but never booted: the choice is taken back, or the power cycle would start LegoOS. */
function cycleActs({ agentConnected }: Known): Act[] {
  return [...(agentConnected ? [{ kind: "boot-once", id: "" } as const] : []), { kind: "power", verb: "cycle", deadlineMs: 60 * seconds }];
}

function rebootActs(node: PlannedNode, { agentConnected }: Known): Act[] {
  return agentConnected || !node.hasPower ? [{ kind: "reboot" }] : [{ kind: "power", verb: "cycle", deadlineMs: 60 * seconds }];
}

function linuxAgain(leaving: Leaving): Step {
  const { node, before } = leaving;
  const release = before["kernelRelease"];
  return {
    id: `linux/${node.name}`,
    phase: "linux",
    node: node.name,
    title: `Linux${typeof release === "string" ? ` ${release}` : ""} again, InfiniBand port active`,
    needs: [downId(leaving)],
    repeat: "repeatable",
    evidence: [
      {
        kind: "facts",
        claim: `Linux${typeof release === "string" ? ` ${release}` : ""} runs again, as a new boot`,
        withinMs: 10 * minutes,
        judge: (facts, { outputs }) => judgeReturn(facts, before, outputs[downId(leaving)]?.["endedBootId"]),
      },
      portAgain(before["lid"]),
    ],
  };
}

/** What is not known from the deployment (it never got as far as its check) is not judged. `ended`: the boot a reboot has ended. */
export function judgeReturn(facts: FactsSeen, before: Outputs[string], ended?: Json): Verdict {
  if (facts.kernel !== "Linux") return { ok: false, reason: `${facts.kernel} runs` };
  if (facts.bootId === ended) return { ok: false, reason: "it is still the boot that is to end" };
  if (facts.bootId === before["bootId"]) return { ok: false, reason: "it is still the boot of before the deployment" };
  const release = before["kernelRelease"];
  if (typeof release === "string" && facts.kernelRelease !== release)
    return {
      ok: false,
      final: true,
      reason: `Linux ${facts.kernelRelease} came up, it was ${release} before: the default boot entry has changed`,
    };
  return { ok: true, lines: [`Linux ${facts.kernelRelease}, boot ${facts.bootId}`] };
}

function portAgain(lid: Json | undefined): Requirement {
  return {
    kind: "command",
    argv: () => ["ibstat"],
    claim: "its InfiniBand port is active, with the LID it had",
    withinMs: 2 * minutes,
    judge: (result) => judgePort(result, typeof lid === "number" ? lid : undefined),
  };
}

function removeEntry({ node, role }: Leaving): Step {
  const id = bootEntryId(role === "memory" ? "memory" : "processor");
  return {
    id: `clean/${node.name}`,
    phase: "clean",
    node: node.name,
    title: `boot entry ${id} removed`,
    needs: [`linux/${node.name}`],
    repeat: "repeatable",
    acts: () => [{ kind: "remove-boot-entry", id }],
    evidence: [
      {
        kind: "boot-menu",
        claim: "nothing is left that boots LegoOS by itself",
        withinMs: 15 * seconds,
        judge: (menu) => {
          if (menu.entries.some((entry) => entry.id === id)) return { ok: false, reason: `entry ${id} is still there` };
          return menu.nextEntry === "" ? { ok: true } : { ok: false, reason: `the next boot is "${menu.nextEntry}"` };
        },
      },
    ],
  };
}
