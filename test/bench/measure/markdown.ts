/** What a benchmark writes: tables, the machine, the goals. */
import type { Goal } from "../goals.js";
import type { Machine } from "./machine.js";

/** The first column to the left, the others to the right. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const rule = head.map((_, i) => (i === 0 ? "---" : "---:"));
  return [head, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

export function goalsTable(goals: readonly Goal[]): string {
  return markdownTable(
    ["must reach", "measured", "verdict"],
    goals.map(({ what, measured, verdict }) => [what, measured, verdict]),
  );
}

export function machineLine({ cpu, cores, memoryGb, system, kernel, node, loadBefore, peers }: Machine): string {
  return `${cores} × ${cpu}, ${memoryGb} GiB, ${system}, Linux ${kernel}, Node ${node}; load before: ${loadBefore}. ${peers.join(", ")}.`;
}
