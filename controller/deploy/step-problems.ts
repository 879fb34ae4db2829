/** What is wrong with a recipe's steps: a defect of the recipe, whatever the inventory says. Pure. */
import type { Step } from "./recipe.js";
import { isRescueId } from "./rescue-record.js";
import { actsLimitMs } from "./step-view.js";

/** Every problem: ids used twice, nodes not bound, times not known, needs that do not exist, circles. Empty when the steps can be run. */
export function stepProblems(steps: readonly Step[], nodes: readonly string[]): string[] {
  const ids = new Set(steps.map((step) => step.id));
  const problems: string[] = [];
  for (const [index, step] of steps.entries()) {
    if (steps.findIndex((each) => each.id === step.id) !== index) problems.push(`step ${step.id}: this id is used twice`);
    if (isRescueId(step.id)) problems.push(`step ${step.id}: this id is that of a rescue`);
    if (!nodes.includes(step.node)) problems.push(`step ${step.id}: is on ${step.node}, which is bound to no role`);
    if (actsLimitMs(step) === undefined) problems.push(`step ${step.id}: its acts read outputs, and it says no actsWithinMs`);
    for (const need of step.needs) {
      if (!ids.has(need)) problems.push(`step ${step.id}: needs ${need}, which is not a step of the plan`);
    }
  }
  const circle = findCircle(steps);
  if (circle.length > 0) problems.push(`steps wait for each other in a circle: ${circle.join(" → ")}`);
  return problems;
}

/** One circle of needs, its first step repeated at the end; empty when there is none. */
function findCircle(steps: readonly Step[]): string[] {
  const needs = new Map(steps.map((step) => [step.id, step.needs]));
  const settled = new Set<string>();
  const walk = (id: string, path: readonly string[]): string[] => {
    if (path.includes(id)) return [...path.slice(path.indexOf(id)), id];
    if (settled.has(id)) return [];
    for (const need of needs.get(id) ?? []) {
      const circle = walk(need, [...path, id]);
      if (circle.length > 0) return circle;
    }
    settled.add(id);
    return [];
  };
  for (const step of steps) {
    const circle = walk(step.id, []);
    if (circle.length > 0) return circle;
  }
  return [];
}
