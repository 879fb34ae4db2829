/** Which steps may start now. Pure. A node does one step at a time: its console has one cursor. */
import type { Step } from "./recipe.js";
import type { RunState } from "./run-state.js";

/**
 * Steps to start, in plan order. `live`: ids of steps this process works on. Steps that an earlier controller process began come
 * before new ones on their node. Once the run is `stopping`, only begun steps that must not be left half done go on.
 */
export function startable(steps: readonly Step[], state: RunState, live: ReadonlySet<string>, stopping: boolean): Step[] {
  const busy = new Set(steps.filter((step) => live.has(step.id)).map((step) => step.node));
  const status = (id: string) => state.steps[id]?.status;
  const left = steps.filter((step) => status(step.id) === "running" && !live.has(step.id) && (!stopping || step.uninterruptible === true));
  const ready = steps.filter(
    (step) => !stopping && status(step.id) === "waiting" && step.needs.every((need) => status(need) === "succeeded"),
  );
  const chosen: Step[] = [];
  for (const step of [...left, ...ready]) {
    if (busy.has(step.node)) continue;
    busy.add(step.node);
    chosen.push(step);
  }
  return chosen;
}
