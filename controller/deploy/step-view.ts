/** A step as a plan prints it: what it must show, and by when. Pure. */
import type { PlanStepView } from "./entries.js";
import type { Act, Requirement, Step } from "./recipe.js";

/** What acts without a limit of their own may take: a file, a boot entry, the order to reboot. */
const quickActMs = 60_000;
/** A source tree with its builds is a million files. */
const treeRemovalMs = 15 * 60_000;
/** On top of an act's own limit: for the agent to tell, and for a lost connection to come back. */
const graceMs = 30_000;

/** How long a machine may wait to be switched: by the inventory, those on one supply go a few at a time, and rest before they go on again. */
export const powerQueueMs = 30 * 60_000;

/** Beyond `actLimitMs`: how long an act may wait until its turn has come. */
export function turnLimitMs(act: Act): number {
  return act.kind === "power" ? powerQueueMs : 0;
}

/** How long an act may take until its step has failed. */
export function actLimitMs(act: Act): number {
  switch (act.kind) {
    case "command":
      return act.timeoutMs + graceMs;
    case "power":
      return act.deadlineMs + graceMs;
    case "pause":
      return act.forMs + graceMs;
    case "end":
      return (act.graceMs ?? 0) + quickActMs;
    case "remove-file":
      return act.recursive === true ? treeRemovalMs : quickActMs;
    case "start":
    case "signal":
    case "write-file":
    case "edit-file":
    case "put-boot-entry":
    case "remove-boot-entry":
    case "boot-once":
    case "reboot":
      return quickActMs;
  }
}

/** The step for people and for the journal. */
export function stepView(step: Step): PlanStepView {
  const { id, phase, node, title, needs, repeat } = step;
  const looks = [...(step.standing ?? []), ...step.evidence];
  const deadlineMs = (actsLimitMs(step) ?? 0) + sum(looks.map(requirementLimitMs));
  const evidence = step.evidence.flatMap(requirementLines);
  return { id, phase, node, title, evidence, deadlineMs, needs, repeat, ...standingView(step), ...rescueView(step) };
}

function standingView({ standing = [] }: Step): Pick<PlanStepView, "standing"> {
  return standing.length === 0 ? {} : { standing: standing.flatMap(requirementLines) };
}

function rescueView({ rescue }: Step): Pick<PlanStepView, "rescue"> {
  return rescue === undefined ? {} : { rescue: { title: rescue.title, evidence: rescue.evidence.flatMap(requirementLines) } };
}

/** How long all acts of a step may take; undefined when the step does not say and its acts cannot be told before the run. */
export function actsLimitMs(step: Step): number | undefined {
  if (step.actsWithinMs !== undefined) return step.actsWithinMs;
  try {
    const acts = step.acts?.({ runId: "", nonce: "", outputs: {}, agentConnected: true }) ?? [];
    return sum(acts.map(actLimitMs));
  } catch {
    return undefined;
  }
}

function requirementLimitMs(requirement: Requirement): number {
  if (requirement.kind !== "console") return requirement.withinMs;
  return sum(requirement.describe.filter((each) => each.optional !== true).map((each) => each.withinMs));
}

function requirementLines(requirement: Requirement): string[] {
  if (requirement.kind !== "console") return [`${requirement.claim} (${requirement.kind}, within ${seconds(requirement.withinMs)})`];
  return requirement.describe.map(
    (each) => `${each.claim} (console, ${each.optional === true ? "if seen" : `within ${seconds(each.withinMs)}`})`,
  );
}

function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
