import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { phos } from "../../../../../controller/recipes/phos/phos.js";
import { planned } from "../../../../support/recipe/lego-lab.js";
import { deployed, exercisePlan, known, phosInput, phosPlan } from "../../../../support/recipe/phos-lab.js";
import { renderPlan } from "../../../../support/recipe/render-plan.js";

const golden = join(import.meta.dirname, "../../../../../../test/golden");

function sameAsGolden(t: Test, name: string, text: string) {
  const path = join(golden, name);
  if (process.env["LABD_UPDATE_GOLDEN"] === "1") writeFileSync(path, text);
  t.equal(text, readFileSync(path, "utf8"), `${name}; LABD_UPDATE_GOLDEN=1 writes it anew`);
}

t.test("the plan of a deployment is the golden one", async (t) => {
  sameAsGolden(t, "phos.plan.txt", renderPlan(phosPlan(), known));
});

t.test("the plan of an exercise is the golden one", async (t) => {
  sameAsGolden(t, "phos.run.txt", renderPlan(exercisePlan({ checkpointEvery: "10s", checkpoints: 2 }), known));
});

t.test("the way back is the golden one", async (t) => {
  const back = planned(phos.undeploy(phosInput({ previous: deployed })));
  const running = { ...known, outputs: { ...known.outputs, "check/gpu0": { container: "ours", running: true, cloned: true, marked: true } } };
  sameAsGolden(t, "phos.undeploy.txt", renderPlan(back, running));
});
