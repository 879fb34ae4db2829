/** How the nodes stand after a failure. */
import t from "tap";
import { UnreachableError } from "../../../../proto/base/errors.js";
import { deployToy, labWith, step } from "../../../support/deploy/step-recipe.js";

void t.test("a machine that is away is not told as connected because the agent that reaches it is", async (t) => {
  const failing = step({ id: "x/a", acts: () => [{ kind: "signal", job: "gone", signal: "SIGUSR1" }] });
  const lab = labWith([failing]);
  lab.node("a").facts = () => Promise.reject(new UnreachableError("ssh root@a: connect: no answer in time"));
  const { runs } = await lab.controller();
  const { id } = await runs.start(deployToy, "ada");
  t.match((await lab.untilEnded(runs, id)).failure?.state, /^a: power \w+, gives no facts/);
});
