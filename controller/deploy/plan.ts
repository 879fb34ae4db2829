/**
 * A deployment becomes a plan. Pure: the same inventory, recipe and parameters give the same plan with the same digest, which is
 * how a controller that starts anew knows that it may go on with a run that another one began.
 */
import { createHash } from "node:crypto";
import { InternalError, NotFoundError } from "../../proto/base/errors.js";
import type { DeploymentSpec, Lab } from "../../inventory/model.js";
import { nearest } from "../../inventory/nearest.js";
import { bindParameters, bindRoles, type Binding } from "./binding.js";
import type { PlanView } from "./entries.js";
import { type ChosenExercise, chooseExercise } from "./exercise.js";
import { refusal } from "./refusal.js";
import type { Direction, FailureLine, Json, Outputs, PlanDraft, PlanInput, PlanProblem, Recipe, Step } from "./recipe.js";
import { stepProblems } from "./step-problems.js";
import { stepView } from "./step-view.js";

export interface Plan {
  readonly view: PlanView;
  readonly steps: readonly Step[];
  readonly failureLines: readonly FailureLine[];
  /** Name of the recipe. */
  readonly recipe: string;
}

export type Recipes = ReadonlyMap<string, Recipe>;

export interface PlanRequest {
  readonly deployment: string;
  readonly direction: Direction;
  /** Replace the inventory's, key by key. */
  readonly parameters: Readonly<Record<string, Json>>;
  /** For "run": which exercise; "" or absent: the recipe's first. */
  readonly exercise?: string;
  /** For "run": what is asked of the exercise. */
  readonly request?: Readonly<Record<string, Json>>;
  /** Outputs of the runs since the last deploy that succeeded; used for undeploy and exercises. */
  readonly previous: Outputs;
}

/**
 * Throws NotFoundError for an unknown deployment or exercise; InvalidInventoryError, or InvalidArgumentError when only what was asked
 * is wrong, with every problem, one a line; InternalError when the recipe itself is defective.
 */
export function makePlan(request: PlanRequest, lab: Lab, recipes: Recipes): Plan {
  const deployment = findDeployment(request.deployment, lab);
  const refuse = (problems: readonly PlanProblem[]) => refusal(problems, deployment, request, lab);
  const recipe = recipes.get(deployment.recipe);
  if (recipe === undefined) throw refuse([unknownRecipe(deployment, recipes)]);
  const exercise = request.direction === "run" ? chooseExercise(deployment, recipe, request) : undefined;
  const binding = bindRoles(deployment, recipe, lab);
  const parameters = bindParameters({ ...deployment.parameters, ...request.parameters }, recipe);
  const problems = [...binding.problems, ...("problems" in parameters ? parameters.problems : []), ...(exercise?.problems ?? [])];
  if (problems.length > 0 || !("value" in parameters)) throw refuse(problems);
  const input = { deployment: deployment.name, parameters: parameters.value, roles: binding.roles, previous: request.previous };
  const draft = draftOf(recipe, request.direction, exercise, input);
  if ("problems" in draft) throw refuse(draft.problems);
  checkSteps(recipe, draft.steps, binding);
  const blind = blindSteps(draft.steps, binding);
  if (blind.length > 0) throw refuse(blind);
  const content = {
    deployment: deployment.name,
    direction: request.direction,
    ...(exercise === undefined ? {} : { exercise: exercise.name }),
    title: draft.title,
    nodes: binding.nodes,
    steps: draft.steps.map(stepView),
  };
  const conduct = draft.steps.map(({ watch, uninterruptible }) => ({ watch, uninterruptible }));
  const digest = digestOf({ content, conduct, recipe: recipe.name, request: exercise?.request, ...input });
  return { view: { ...content, digest }, steps: draft.steps, failureLines: recipe.failureLines, recipe: recipe.name };
}

function draftOf(
  recipe: Recipe,
  direction: Direction,
  exercise: ChosenExercise | undefined,
  input: PlanInput<unknown>,
): PlanDraft | { readonly problems: readonly PlanProblem[] } {
  if (exercise !== undefined) return exercise.plan(input);
  return direction === "deploy" ? recipe.deploy(input) : recipe.undeploy(input);
}

/** Throws NotFoundError with the name that was meant. */
export function findDeployment(name: string, lab: Lab): DeploymentSpec {
  const found = lab.deployments.find((each) => each.name === name);
  if (found !== undefined) return found;
  const names = lab.deployments.map((each) => each.name);
  const meant = nearest(name, names);
  const hint = meant === undefined ? `deployments: ${names.join(", ") || "none"}` : `did you mean "${meant}"?`;
  throw new NotFoundError(`deployment ${name}: not in ${lab.file}; ${hint}`, { facts: { deployment: name } });
}

function unknownRecipe(deployment: DeploymentSpec, recipes: Recipes): PlanProblem {
  const meant = nearest(deployment.recipe, recipes.keys());
  const hint = meant === undefined ? `recipes: ${[...recipes.keys()].join(", ")}` : `did you mean "${meant}"?`;
  return { at: "recipe", problem: `there is no recipe "${deployment.recipe}"; ${hint}` };
}

function checkSteps(recipe: Recipe, steps: readonly Step[], binding: Binding): void {
  const problems = stepProblems(steps, binding.nodes);
  if (problems.length === 0) return;
  throw new InternalError(`recipe ${recipe.name}: its steps cannot be run; report this\n${problems.join("\n")}`);
}

/** Steps that await lines on a console nobody captures: they would wait for their whole deadline to say so. */
function blindSteps(steps: readonly Step[], binding: Binding): PlanProblem[] {
  const nodes = Object.entries(binding.roles).flatMap(([role, bound]) => bound.map((node) => ({ role, node })));
  const looks = (step: Step) => [...step.evidence, ...(step.standing ?? []), ...(step.rescue?.evidence ?? [])];
  const awaitsLines = (name: string) =>
    steps.some((step) => step.node === name && looks(step).some((each) => each.kind === "console" || each.kind === "console-up"));
  return nodes
    .filter(({ node }) => node.console === undefined && awaitsLines(node.name))
    .map(({ role, node }) => ({
      at: `roles.${role}`,
      problem: `${node.name} has no console in the inventory and must be seen on one; add nodes.${node.name}.console`,
    }));
}

function digestOf(content: unknown): string {
  return createHash("sha256").update(canonical(content)).digest("hex");
}

/** JSON with the keys of every object sorted, so that equal contents are equal texts. */
function canonical(content: unknown): string {
  return JSON.stringify(content, (_, value: unknown) => {
    if (typeof value === "bigint") return value.toString();
    if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
