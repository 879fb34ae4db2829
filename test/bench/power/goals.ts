/** What power at fleet size must reach, judged where the largest farm was measured. */
import { factGoal, ratioGoal, type Goal } from "../goals.js";
import { ipmipowerName } from "./ipmipower.js";
import { keptSessions, newSessions } from "./ours.js";
import type { PowerSummary } from "./summary.js";

export function powerGoals(summaries: readonly PowerSummary[], bmcs: number): readonly Goal[] {
  const find = (tool: string, action: string, script: string) =>
    summaries.find((each) => each.tool === tool && each.action === action && each.script === script && each.bmcs === bmcs);
  const theirs = find(ipmipowerName, "stat", "quick");
  const kept = find(keptSessions, "stat", "quick");
  const fresh = find(newSessions, "stat", "quick");
  return [
    ratioGoal(`status of ${bmcs} on kept sessions: wall at most ipmipower's`, "ms", kept?.wallMs, theirs?.wallMs, 1),
    ratioGoal(`status of ${bmcs} on kept sessions: CPU at most ipmipower's`, "ms", kept?.cpuMs, theirs?.cpuMs, 1),
    ratioGoal(
      `status of ${bmcs} with new sessions, in a process that has done so before: CPU at most 2 × ipmipower's`,
      "ms",
      fresh?.cpuMs,
      theirs?.cpuMs,
      2,
    ),
    ...["slow", "shell"].flatMap((script) =>
      (["off", "on", "cycle"] as const).map((action) => exactness(find(keptSessions, action, script), action, script, bmcs)),
    ),
  ];
}

function exactness(summary: PowerSummary | undefined, action: "off" | "on" | "cycle", script: string, bmcs: number): Goal {
  const expected = action === "cycle" ? 2 * bmcs : bmcs;
  const what = `${action} of ${bmcs}, ${script} power script: runs exactly ${expected} times, every BMC as asked`;
  if (summary === undefined) return factGoal(what, "–", undefined);
  const { executions, worstSucceeded, worstAsAsked } = summary;
  const measured = `ran ${executions.join(", ")} times; ${worstSucceeded} verified, ${worstAsAsked} as asked`;
  return factGoal(what, measured, executions.every((each) => each === expected) && worstSucceeded === bmcs && worstAsAsked === bmcs);
}
