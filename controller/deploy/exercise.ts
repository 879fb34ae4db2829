/** Which exercise of a recipe is meant, and what is asked of it. Pure. */
import { NotFoundError } from "../../proto/base/errors.js";
import type { DeploymentSpec } from "../../inventory/model.js";
import { nearest } from "../../inventory/nearest.js";
import { bindRequest } from "./binding.js";
import type { Json, PlanDraft, PlanInput, PlanProblem, Recipe } from "./recipe.js";

export interface ChosenExercise {
  readonly name: string;
  /** What was asked, completed; undefined when there are problems. */
  readonly request: unknown;
  readonly problems: readonly PlanProblem[];
  plan(input: PlanInput<unknown>): PlanDraft | { readonly problems: readonly PlanProblem[] };
}

/** The exercise asked for, "" or undefined meaning the recipe's first. Throws NotFoundError with the name that was meant. */
export function chooseExercise(
  deployment: DeploymentSpec,
  recipe: Recipe,
  asked: { readonly exercise?: string; readonly request?: Readonly<Record<string, Json>> },
): ChosenExercise {
  const exercises = recipe.exercises ?? {};
  const names = Object.keys(exercises);
  const name = asked.exercise || (names[0] ?? "");
  const exercise = Object.hasOwn(exercises, name) ? exercises[name] : undefined;
  if (exercise === undefined) throw unknownExercise(deployment, recipe, name, names);
  const bound = bindRequest(asked.request ?? {}, exercise);
  if ("problems" in bound) return { name, request: undefined, problems: bound.problems, plan: () => bound };
  return { name, request: bound.value, problems: [], plan: (input) => exercise.plan(input, bound.value) };
}

function unknownExercise(deployment: DeploymentSpec, recipe: Recipe, name: string, names: readonly string[]): NotFoundError {
  const facts = { deployment: deployment.name };
  if (names.length === 0)
    return new NotFoundError(`deployment ${deployment.name}: recipe ${recipe.name} has no exercises to run`, { facts });
  const meant = nearest(name, names);
  const hint = meant === undefined ? `its exercises: ${names.join(", ")}` : `did you mean "${meant}"?`;
  return new NotFoundError(`deployment ${deployment.name}: recipe ${recipe.name} has no exercise "${name}"; ${hint}`, { facts });
}
