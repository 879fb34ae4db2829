/** Deployments that fail, each on a machine of its own: what must be seen, and where. */
import t, { type Test } from "tap";
import type { Recipe } from "../../../controller/deploy/recipe.js";
import type { RunState } from "../../../controller/deploy/run-state.js";
import { phoenix } from "../../../controller/recipes/phoenix/phoenix.js";
import { type Alteration, altered } from "../wrong-recipe/altered-recipe.js";
import { deploymentOf, type PhoenixMachine, PhoenixMachines } from "./phoenix-machines.js";

export const oldRelease = "5.15.0-91-generic";

export interface Misfortune extends PhoenixMachine {
  readonly says: string;
  /** What is done to the machine before. */
  readonly first?: (machines: PhoenixMachines, name: string) => void;
  readonly alterations?: (name: string) => readonly Alteration[];
  /** The phase, or phase and name, of the step that fails. */
  readonly fails: string;
  readonly summary: RegExp;
  readonly cause?: RegExp;
  /** Looked at afterwards. */
  readonly afterwards?: (t: Test, machines: PhoenixMachines, name: string, state: RunState) => Promise<void> | void;
}

/** `install/packages` on x1 is step "install/x1/packages". */
function stepOn(name: string, phase: string): string {
  const [first = "", ...rest] = phase.split("/");
  return [first, name, ...rest].join("/");
}

function recipeFor(name: string, alterations: Misfortune["alterations"]): Recipe {
  return alterations === undefined ? (phoenix as Recipe) : altered(phoenix, alterations(name));
}

/** All machines are up at once, and deployed side by side. */
export function misfortunes(title: string, cases: readonly Misfortune[]): void {
  t.test(title, async (t) => {
    const names = cases.map((_, index) => `x${index}`);
    const machines = await PhoenixMachines.start(t, Object.fromEntries(cases.map((each, index) => [names[index] ?? "", each])));
    const states = await Promise.all(
      cases.map(async ({ first, alterations }, index) => {
        const name = names[index] ?? "";
        first?.(machines, name);
        return machines.deploy(name, recipeFor(name, alterations));
      }),
    );
    for (const [index, { says, fails, summary, cause, afterwards }] of cases.entries()) {
      const [name, state] = [names[index] ?? "", states[index]];
      await t.test(says, async (t) => {
        if (state === undefined) return void t.fail("no run");
        t.match(
          { status: state.status, failure: state.failure },
          {
            status: "failed",
            failure: { step: stepOn(name, fails), summary, cause: cause ?? "" },
          },
        );
        t.ok(state.failure?.next.includes(`lab undeploy ${deploymentOf(name)}`), "the way back is named");
        await afterwards?.(t, machines, name, state);
      });
    }
    t.same(await machines.lab.leases.list(), [], "every machine is free again");
  });
}
