/** Roles and parameters of a deployment, checked against its recipe and the inventory. Pure; finds every problem, throws none. */
import { powerAgent, type DeploymentSpec, type Lab, type NodeSpec } from "../../inventory/model.js";
import { nearest } from "../../inventory/nearest.js";
import { checkShape } from "../../inventory/shape-problems.js";
import { optionName } from "../../proto/base/option-name.js";
import type { Exercise, PlannedNode, PlanProblem, Recipe } from "./recipe.js";

export interface Binding {
  /** Every role of the recipe, nodes in inventory order. */
  readonly roles: Readonly<Record<string, readonly PlannedNode[]>>;
  /** Every node bound, in inventory order. */
  readonly nodes: readonly string[];
  readonly problems: readonly PlanProblem[];
}

/** Binds a deployment's nodes to its recipe's roles. */
export function bindRoles(deployment: DeploymentSpec, recipe: Recipe, lab: Lab): Binding {
  const problems = [
    ...unknownRoles(deployment, recipe),
    ...Object.keys(recipe.roles).flatMap((role) => countProblems(role, deployment, recipe)),
    ...unknownNodes(deployment, lab),
    ...boundTwice(deployment),
    ...heldBack(deployment, lab),
  ];
  const bound = (role: string) => lab.nodes.filter((node) => deployment.roles[role]?.includes(node.name));
  const used = new Set(Object.values(deployment.roles).flat());
  return {
    roles: Object.fromEntries(Object.keys(recipe.roles).map((role) => [role, bound(role).map(plannedNode)])),
    nodes: lab.nodes.filter((node) => used.has(node.name)).map((node) => node.name),
    problems,
  };
}

/** Completes `with:` by the recipe's schema. */
export function bindParameters<P>(given: Readonly<Record<string, unknown>>, recipe: Recipe<P>): { value: P } | { problems: PlanProblem[] } {
  const checked = checkShape(recipe.parameters, given);
  if ("value" in checked) return checked;
  return { problems: checked.problems.map((each) => ({ at: ["with", ...each.path.map(String)].join("."), problem: each.message })) };
}

/** Completes what is asked of an exercise by the exercise's schema. */
export function bindRequest<R>(
  given: Readonly<Record<string, unknown>>,
  exercise: Exercise<never, R>,
): { value: R } | { problems: PlanProblem[] } {
  const checked = checkShape(exercise.parameters, given);
  if ("value" in checked) return checked;
  return {
    problems: checked.problems.map(({ path, meant, message }) => ({
      at: ["request", ...path.map(String)].join("."),
      problem: meant === undefined ? message : `there is no such option; did you mean --${optionName(meant)}?`,
    })),
  };
}

function plannedNode(node: NodeSpec): PlannedNode {
  return {
    name: node.name,
    arch: node.arch,
    address: node.address,
    reach: node.agent ? "agent" : node.ssh === undefined ? "none" : "ssh",
    ssh: node.ssh && { user: node.ssh.user, port: node.ssh.port, via: node.ssh.via },
    hasPower: powerAgent(node) !== undefined,
    console: node.console === undefined ? undefined : { line: node.console.line, baudRate: node.console.baudRate },
  };
}

function unknownRoles(deployment: DeploymentSpec, recipe: Recipe): PlanProblem[] {
  const known = Object.keys(recipe.roles);
  return Object.keys(deployment.roles)
    .filter((role) => !known.includes(role))
    .map((role) => {
      const meant = nearest(role, known);
      const hint = meant === undefined ? `its roles: ${known.join(", ")}` : `did you mean "${meant}"?`;
      return { at: `roles.${role}`, problem: `recipe ${recipe.name} has no such role; ${hint}` };
    });
}

function countProblems(role: string, deployment: DeploymentSpec, recipe: Recipe): PlanProblem[] {
  const spec = recipe.roles[role];
  const count = deployment.roles[role]?.length ?? 0;
  if (spec === undefined || (count >= spec.min && count <= spec.max)) return [];
  const wanted = spec.min === spec.max ? String(spec.min) : `${spec.min} to ${spec.max}`;
  return [{ at: `roles.${role}`, problem: `needs ${wanted} node${wanted === "1" ? "" : "s"} (${spec.description}), has ${count}` }];
}

function unknownNodes(deployment: DeploymentSpec, lab: Lab): PlanProblem[] {
  const known = lab.nodes.map((node) => node.name);
  return Object.entries(deployment.roles).flatMap(([role, nodes]) =>
    nodes
      .filter((name) => !known.includes(name))
      .map((name) => ({ at: `roles.${role}`, problem: `is bound to ${name}, which is not a node; nodes: ${known.join(" ")}` })),
  );
}

function boundTwice(deployment: DeploymentSpec): PlanProblem[] {
  const first = new Map<string, string>();
  const problems: PlanProblem[] = [];
  for (const [role, nodes] of Object.entries(deployment.roles)) {
    for (const name of nodes) {
      const other = first.get(name);
      if (other === undefined) first.set(name, role);
      else problems.push({ at: `roles.${role}`, problem: `${name} is bound to role ${other} already; a node has one role` });
    }
  }
  return problems;
}

/** A run that stops half-way because a machine must not be touched helps nobody. */
function heldBack(deployment: DeploymentSpec, lab: Lab): PlanProblem[] {
  return Object.entries(deployment.roles).flatMap(([role, names]) =>
    lab.nodes
      .filter(({ name, safety }) => names.includes(name) && safety.hold !== "")
      .map(({ name, safety }) => ({
        at: `roles.${role}`,
        problem: `the power of ${name} is held back: ${safety.hold}; take nodes.${name}.power.hold out of the inventory, or bind another node`,
      })),
  );
}
