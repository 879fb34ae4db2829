/**
 * A recipe with mistakes put into it, each into one step: what people, tools and other labs do between two of its steps.
 * A mistake made before the recipe reads back shows that it is caught; one made after that shows what the machines do.
 */
import type {
  Act,
  Exercise,
  Expectation,
  PlanDraft,
  PlanInput,
  PlanProblem,
  Recipe,
  Requirement,
  Step,
  Verdict,
} from "../../../controller/deploy/recipe.js";
import { lego } from "../../../controller/recipes/lego/lego.js";

type Refusal = { readonly problems: readonly PlanProblem[] };

export interface Alteration {
  /** Id of the step: "build/p0". */
  readonly step: string;
  readonly change: (step: Step) => Step;
}

/** Every plan of the recipe with its steps altered. Planning a deployment throws when an alteration is of a step that is not in the plan. */
export function altered<P>(recipe: Recipe<P>, alterations: readonly Alteration[]): Recipe {
  const change = (step: Step) => alterations.reduce((changed, each) => (each.step === step.id ? each.change(changed) : changed), step);
  const changed = (draft: PlanDraft | Refusal) => ("problems" in draft ? draft : { ...draft, steps: draft.steps.map(change) });
  const exercises = Object.entries(recipe.exercises ?? {}).map(([name, exercise]): [string, Exercise] => [
    name,
    { ...exercise, plan: (input, request) => changed(exercise.plan(input as PlanInput<P>, request)) },
  ]);
  return {
    ...recipe,
    deploy(input) {
      const draft = recipe.deploy(input as PlanInput<P>);
      if ("problems" in draft) return draft;
      const missing = alterations.find(({ step }) => !draft.steps.some(({ id }) => id === step));
      if (missing !== undefined) throw new Error(`the recipe has no step ${missing.step}`);
      return changed(draft);
    },
    undeploy: (input) => changed(recipe.undeploy(input as PlanInput<P>)),
    exercises: Object.fromEntries(exercises),
  };
}

export function alteredLego(alterations: readonly Alteration[], { failureLines }: Pick<Recipe, "failureLines"> = lego): Recipe {
  return altered({ ...lego, failureLines }, alterations);
}

export function altering(step: string, change: Alteration["change"]): Alteration {
  return { step, change };
}

/** Other acts before those of the step: after everything that earlier steps have read back. */
export function firstDoing(step: string, ...acts: readonly Act[]): Alteration {
  return altering(step, (of) => ({ ...of, acts: (known) => [...acts, ...(of.acts?.(known) ?? [])] }));
}

/** Other acts behind those of the step, before it reads back. */
export function thenDoing(step: string, ...acts: readonly Act[]): Alteration {
  return altering(step, (of) => ({ ...of, acts: (known) => [...(of.acts?.(known) ?? []), ...acts] }));
}

/** Replaces a text that must be there, unless that was done already. */
export function replacing(path: string, wanted: string, wrong: string): Act {
  return {
    kind: "edit-file",
    path,
    edit: (text) => {
      if (text.includes(wanted)) return { text: text.replace(wanted, () => wrong) };
      return text.includes(wrong) ? { text } : { problem: `there is no ${JSON.stringify(wanted)} to be replaced` };
    },
  };
}

/** Lines of the step's console that may say the wrong thing: what comes of it shows later. */
export function unjudged(step: string, ...lines: readonly string[]): Alteration {
  return withExpectations(step, (line) => (lines.includes(line.id) ? { ...line, check: () => undefined } : line));
}

/** No line of the step's console is awaited longer than this. */
export function impatient(step: string, withinMs: number): Alteration {
  return withExpectations(step, (line) => ({ ...line, withinMs: Math.min(line.withinMs, withinMs) }));
}

function withExpectations(step: string, change: (line: Expectation) => Expectation): Alteration {
  const changed = (requirement: Requirement): Requirement =>
    requirement.kind === "console" ? { ...requirement, expectations: (known) => requirement.expectations(known).map(change) } : requirement;
  return altering(step, (of) => ({ ...of, evidence: of.evidence.map(changed) }));
}

/** What the step does becomes this; what it looks at stays. */
export function insteadDoing(step: string, acts: NonNullable<Step["acts"]>): Alteration {
  return altering(step, (of) => ({ ...of, acts }));
}

/** Whatever the step looks at is taken for good. */
export function unlooked(step: string): Alteration {
  const blind = (requirement: Requirement): Requirement =>
    requirement.kind === "console" || requirement.kind === "power" || requirement.kind === "console-up"
      ? requirement
      : { ...requirement, judge: (): Verdict => ({ ok: true }) };
  return altering(step, (of) => ({ ...of, evidence: of.evidence.map(blind) }));
}

/** No look of the step waits longer than this. */
export function hasty(step: string, withinMs: number): Alteration {
  const hurried = (requirement: Requirement): Requirement =>
    requirement.kind === "console" ? requirement : { ...requirement, withinMs: Math.min(requirement.withinMs, withinMs) };
  return altering(step, (of) => ({ ...of, evidence: of.evidence.map(hurried) }));
}
