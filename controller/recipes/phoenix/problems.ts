/** Everything that is wrong with a deployment before anything is touched, all at once. */
import type { PlanInput, PlannedNode, PlanProblem } from "../../deploy/recipe.js";
import { type Design, designOf } from "./design.js";
import type { PhoenixParameters } from "./parameters.js";

/** The deployment on its one node, or why it cannot be. `needs`: what it must have for what is planned. */
export function planNode(
  input: PlanInput<PhoenixParameters>,
  needs: { readonly way: boolean } = { way: true },
): Design | { readonly problems: readonly PlanProblem[] } {
  const { node = [] } = input.roles;
  const [only] = node;
  const problems: PlanProblem[] = [];
  if (only === undefined) problems.push({ at: "roles.node", problem: "needs one node" });
  if (node.length > 1) problems.push({ at: "roles.node", problem: `${node.length} nodes: Phoenix runs on one; make a deployment of each` });
  for (const each of node) problems.push(...nodeProblems(each, needs.way));
  if (only === undefined || problems.length > 0) return { problems };
  return designOf(only, input.parameters);
}

function nodeProblems({ name, arch, reach, hasPower, console }: PlannedNode, way: boolean): PlanProblem[] {
  const at = "roles.node";
  const wrong: string[] = [];
  if (arch !== "x86_64") wrong.push(`${name} is ${arch}; Phoenix's kernel is for x86_64 only`);
  if (reach !== "agent") wrong.push(`${name} has no agent of its own; packages, boot choice and builds need one, as root`);
  if (way && !hasPower)
    wrong.push(`${name} has no power control; when the new kernel does not come up only a power cycle leads back to the old one`);
  if (way && console === undefined) wrong.push(`${name} has no console; a panic of the new kernel shows on the serial line only`);
  return wrong.map((problem) => ({ at, problem }));
}
