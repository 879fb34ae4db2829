/** PhOS on a simulated machine: deployed, exercised, taken back. */
import t from "tap";
import { phos } from "../../controller/recipes/phos/phos.js";
import { startPhosLab } from "../support/phos-sim/lab.js";

t.test("a machine gets PhOS, a checkpoint is restored, and nothing is left in the end", async (t) => {
  const lab = await startPhosLab(t);
  const deployed = await lab.run({ deployment: "phos", direction: "deploy" }, phos);
  t.match(deployed, { status: "succeeded", failure: undefined });
  t.comment(`${deployed.startedMs} ${deployed.endedMs}`);
});
