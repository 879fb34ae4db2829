/** What earlier runs of a deployment have left for the next: how the nodes were before, what was built, which jobs run. */
import type { Outputs } from "./recipe.js";
import type { RunState } from "./run-state.js";

/**
 * Outputs of deploys and exercises, back to the deploy or undeploy that last succeeded; where step ids are equal the newest run's stand.
 * Also of those that failed: a deploy that failed early knows little and must not hide what an earlier one knew, and an exercise that
 * failed may have left something running. `newestFirst` is read no further than needed.
 */
export async function previousOutputs(newestFirst: AsyncIterable<Pick<RunState, "plan" | "status" | "outputs">>): Promise<Outputs> {
  let outputs: Outputs = {};
  for await (const run of newestFirst) {
    const { direction } = run.plan;
    if (direction !== "undeploy") outputs = { ...run.outputs, ...outputs };
    if (direction !== "run" && run.status === "succeeded") break;
  }
  return outputs;
}
