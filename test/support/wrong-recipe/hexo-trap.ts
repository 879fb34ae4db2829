/** A trap set on a simulated pair: the deployment must fail where it shows, say why and what to do, and leave machines that can be cleaned. */
import type { Test } from "tap";
import type { Failure } from "../../../controller/deploy/entries.js";
import type { Recipe } from "../../../controller/deploy/recipe.js";
import { hexo } from "../../../controller/recipes/hexo/hexo.js";
import { type Alteration, altered } from "./altered-recipe.js";
import type { HexoLab, HexoMachines } from "./hexo-lab.js";

const recipe = hexo as Recipe;

export interface Trap extends HexoMachines {
  readonly says: string;
  readonly alterations?: readonly Alteration[];
  /** Steps one of which fails: which one, two machines decide between them. */
  readonly step: string | readonly string[];
  readonly summary: RegExp;
}

function checkFailure(t: Test, failure: Failure | undefined, { step, summary }: Trap): void {
  if (failure === undefined) return;
  t.ok([step].flat().includes(failure.step), `it fails at ${failure.step}`);
  t.match(failure.summary, summary);
  t.match(failure, { node: failure.step.split("/")[1], blame: "system" });
  t.same(failure.next.slice(0, -1), ["lab undeploy pair", "lab deploy pair"]);
  t.match(failure.next.at(-1), /^lab record \d{8}-\d{4}-\w+$/);
}

export async function springs(t: Test, lab: HexoLab, trap: Trap): Promise<void> {
  const { status, failure } = await lab.run("deploy", altered(recipe, trap.alterations ?? []), {
    with: { port: await lab.freePort(), ...trap.with },
  });
  t.equal(status, "failed");
  checkFailure(t, failure, trap);
  t.same(await lab.lab.leases.list(), [], "the machines are free again");
  t.match(await lab.run("undeploy", recipe), { status: "succeeded" }, "and can be cleaned");
  t.same([await lab.proxies("x0"), await lab.proxies("potato0")], foreign(trap), "no proxy of ours is left");
}

function foreign({ x86Faults = [], boardFaults = [] }: Trap): number[] {
  return [x86Faults, boardFaults].map((faults) => (faults.includes("foreign-proxy") ? 1 : 0));
}
