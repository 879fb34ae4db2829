/** A recipe made of the steps a test is about. */
import { z } from "zod";
import type { FailureLine, Recipe, Step } from "../../../controller/deploy/recipe.js";
import { FakeLab } from "./fake-lab.js";

/** A step on node a without acts or evidence, but for what is given. */
export function step(change: Partial<Step> & { id: string }): Step {
  const [phase = "", node = "a"] = change.id.split("/");
  return { phase, node, title: phase, needs: [], repeat: "repeatable", evidence: [], ...change };
}

/** The same steps for deploy and undeploy, whatever the parameters. */
export function recipeOf(steps: readonly Step[], failureLines: readonly FailureLine[] = []): Recipe {
  const draft = () => ({ title: "steps of a test", steps });
  return {
    name: "toy",
    summary: "steps of a test",
    roles: { server: { description: "serves", min: 1, max: 1 }, client: { description: "asks", min: 0, max: 9 } },
    parameters: z.record(z.string(), z.unknown()),
    deploy: draft,
    undeploy: draft,
    failureLines,
    logProfiles: [],
  };
}

/** A lab of nodes a and b whose deployment toy-1 has these steps. */
export function labWith(steps: readonly Step[], failureLines: readonly FailureLine[] = []): FakeLab {
  const lab = new FakeLab();
  lab.recipes = new Map([["toy", recipeOf(steps, failureLines)]]);
  return lab;
}

export const deployToy = { deployment: "toy-1", direction: "deploy", parameters: {} } as const;
