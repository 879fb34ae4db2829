/** Phoenix on a simulated Ubuntu machine, without a wire between: deployed, exercised, taken back. */
import t from "tap";
import { PhoenixMachines } from "../support/phoenix/phoenix-machines.js";

t.test("it is deployed, exercised and taken back", async (t) => {
  const machines = await PhoenixMachines.start(t, { x0: {} });
  const deployed = await machines.deploy("x0");
  t.match(deployed, { status: "succeeded", failure: undefined });
});
