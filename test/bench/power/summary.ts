/** Medians of the power benchmark's samples, and its report. */
import { powerScripts } from "../farm/power-scripts.js";
import { figure, type Goal } from "../goals.js";
import type { Machine } from "../measure/machine.js";
import { goalsTable, machineLine, markdownTable } from "../measure/markdown.js";
import { median } from "../measure/median.js";
import { actions, type Action } from "./tool.js";
import type { PowerSample } from "./run.js";

/** One action of one tool on one farm: medians over the runs, and the worst of what must not go wrong. */
export interface PowerSummary {
  readonly bmcs: number;
  readonly script: string;
  readonly tool: string;
  readonly action: Action;
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly peakMb: number;
  readonly packetsPerBmc: number | undefined;
  /** How often the power programs switched, run by run. */
  readonly executions: readonly number[];
  readonly worstSucceeded: number;
  readonly worstAsAsked: number;
}

export function summarize(samples: readonly PowerSample[]): readonly PowerSummary[] {
  const groups = new Map<string, PowerSample[]>();
  for (const sample of samples) {
    const key = [sample.bmcs, sample.script, sample.tool, sample.action].join("|");
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  return [...groups.values()].map(summarizeOne);
}

function summarizeOne(samples: readonly PowerSample[]): PowerSummary {
  const [{ bmcs, script, tool, action }] = samples as [PowerSample];
  const packets = samples.flatMap((each) => (each.packets === undefined ? [] : [each.packets]));
  const middle = (of: (sample: PowerSample) => number) => median(samples.map(of));
  return {
    bmcs,
    script,
    tool,
    action,
    wallMs: middle(({ wallMs }) => wallMs),
    cpuMs: middle(({ cpuMs }) => cpuMs),
    peakMb: middle(({ peakBytes }) => peakBytes) / 1e6,
    packetsPerBmc: packets.length === 0 ? undefined : median(packets) / bmcs,
    executions: samples.map(({ executions }) => executions.on + executions.off),
    worstSucceeded: Math.min(...samples.map(({ succeeded }) => succeeded)),
    worstAsAsked: Math.min(...samples.map(({ asAsked }) => asAsked)),
  };
}

export function powerReport(
  summaries: readonly PowerSummary[],
  goals: readonly Goal[],
  machine: Machine,
  skipped: readonly string[],
): string {
  const parts = [
    "# Power: labd beside ipmipower, ipmitool and powerman",
    `Written by \`npm run bench:power\`; what is measured, and how, is in [README.md](README.md). ${machineLine(machine)}`,
    ...skipped,
    "## Goals",
    goalsTable(goals),
    ...powerScripts.flatMap(({ name, about }) =>
      scriptParts(
        name,
        about,
        summaries.filter(({ script }) => script === name),
      ),
    ),
  ];
  return `${parts.join("\n\n")}\n`;
}

function scriptParts(name: string, about: string, summaries: readonly PowerSummary[]): readonly string[] {
  if (summaries.length === 0) return [];
  const sizes = [...new Set(summaries.map(({ bmcs }) => bmcs))];
  const tools = [...new Set(summaries.map(({ tool }) => tool))];
  const find = (tool: string, action: Action, bmcs: number) =>
    summaries.find((each) => each.tool === tool && each.action === action && each.bmcs === bmcs);
  const most = Math.max(...sizes);
  const costs = tools.flatMap((tool) =>
    actions
      .filter((action) => find(tool, action, most) !== undefined)
      .map((action) => {
        const largest = find(tool, action, most);
        return [
          `${tool}: ${action}`,
          ...sizes.map((bmcs) => costCell(find(tool, action, bmcs))),
          figure(largest?.packetsPerBmc),
          figure(largest?.peakMb),
        ];
      }),
  );
  const switching = actions.filter((action) => action !== "stat" && tools.some((tool) => find(tool, action, most) !== undefined));
  const counts = tools
    .filter((tool) => switching.some((action) => find(tool, action, most) !== undefined))
    .map((tool) => [tool, ...switching.flatMap((action) => sizes.map((bmcs) => countCell(find(tool, action, bmcs))))]);
  return [
    `## Power script: ${name} (${about})`,
    "Wall ms / CPU ms of the tool.",
    markdownTable(["", ...sizes.map((bmcs) => `N = ${bmcs}`), `packets per BMC, N = ${most}`, `peak MB, N = ${most}`], costs),
    ...(counts.length === 0 ? [] : ["How often the power script switched (right: N, N and 2N).", countsTable(switching, sizes, counts)]),
  ];
}

function countsTable(switching: readonly Action[], sizes: readonly number[], counts: readonly (readonly string[])[]): string {
  return markdownTable(["", ...switching.flatMap((action) => sizes.map((bmcs) => `${action}, N = ${bmcs}`))], counts);
}

function costCell(summary: PowerSummary | undefined): string {
  return summary === undefined ? "–" : `${figure(summary.wallMs)} / ${figure(summary.cpuMs)}`;
}

/** "256", or of several runs that differ "256–301", and how many BMCs were not as asked or were told as failed. */
function countCell(summary: PowerSummary | undefined): string {
  if (summary === undefined) return "–";
  const { executions, action, bmcs, worstSucceeded, worstAsAsked } = summary;
  const [least, most] = [Math.min(...executions), Math.max(...executions)];
  const right = action === "cycle" ? 2 * bmcs : bmcs;
  const count = least === most ? String(least) : `${least}–${most}`;
  const failed = worstSucceeded === bmcs ? "" : `; ${bmcs - worstSucceeded} told as failed`;
  const wrong = worstAsAsked === bmcs ? "" : `; ${bmcs - worstAsAsked} not as asked`;
  return `${least === right && most === right ? count : `**${count}**`}${failed}${wrong}`;
}
