/** Medians of the SOL benchmark's samples, what must be reached, and the report. */
import { factGoal, figure, ratioGoal, type Goal } from "../goals.js";
import type { Machine } from "../measure/machine.js";
import { goalsTable, machineLine, markdownTable } from "../measure/markdown.js";
import { median } from "../measure/median.js";
import { addChecks, noLines, type LineCheck } from "./console-lines.js";
import { conmanName } from "./conman.js";
import { ourName } from "./ours.js";
import type { SolSample } from "./run.js";

/** One load on one daemon: medians over the runs; of what must not happen, the sum. */
export interface SolSummary {
  readonly bmcs: number;
  readonly load: SolSample["load"];
  readonly daemon: string;
  readonly connectS: number;
  readonly megabytes: number;
  readonly megabytesPerS: number;
  readonly cpuSPerMb: number;
  readonly connectedMb: number;
  readonly peakMb: number;
  /** The worst of the runs. */
  readonly drainMs: number;
  readonly lines: LineCheck;
  readonly losses: number;
}

export function summarize(samples: readonly SolSample[]): readonly SolSummary[] {
  const groups = new Map<string, SolSample[]>();
  for (const sample of samples) {
    const key = [sample.bmcs, sample.load, sample.daemon].join("|");
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  return [...groups.values()].map((group) => {
    const [{ bmcs, load, daemon, bytes }] = group as [SolSample];
    const middle = (of: (sample: SolSample) => number) => median(group.map(of));
    return {
      bmcs,
      load,
      daemon,
      connectS: middle(({ connectMs }) => connectMs) / 1e3,
      megabytes: bytes / 1e6,
      megabytesPerS: middle(({ wallMs, storedBytes }) => storedBytes / 1e3 / wallMs),
      cpuSPerMb: middle(({ cpuMs, storedBytes }) => (cpuMs * 1e3) / storedBytes),
      connectedMb: middle(({ connectedBytes }) => connectedBytes) / 1e6,
      peakMb: middle(({ peakBytes }) => peakBytes) / 1e6,
      drainMs: Math.max(...group.map(({ drainMs }) => drainMs)),
      lines: group.map(({ lines }) => lines).reduce(addChecks, noLines),
      losses: group.reduce((sum, { losses }) => sum + losses.length, 0),
    };
  });
}

/** A line is held when what was printed is stored within a second: otherwise it piles up on the way. */
const heldWithinMs = 1_000;
const fewConsoles = 16;
const mostMbPerConsole = 0.3;

export function solGoals(summaries: readonly SolSummary[]): readonly Goal[] {
  const ours = summaries.filter(({ daemon }) => daemon === ourName);
  const largest = Math.max(...ours.map(({ bmcs }) => bmcs));
  const find = (bmcs: number, load: string, daemon: string) =>
    summaries.find((each) => each.bmcs === bmcs && each.load === load && each.daemon === daemon);
  const saturated = ours.filter(({ load, bmcs }) => load === "saturated" && bmcs > fewConsoles);
  const paced = find(largest, "paced", ourName);
  return [
    ...saturated.map(({ bmcs, cpuSPerMb }) => {
      const what = `${bmcs} consoles saturated: CPU seconds per MB at most half of conmand's`;
      return ratioGoal(what, "s/MB", cpuSPerMb, find(bmcs, "saturated", conmanName)?.cpuSPerMb, 0.5);
    }),
    ...ours.map((each) => {
      const what = `${each.bmcs} consoles ${each.load}: no line missing, repeated or reordered, no loss on record`;
      return factGoal(what, wrongLines(each), isWhole(each));
    }),
    factGoal(
      `${largest} consoles at 115,200 baud held: stored within ${heldWithinMs / 1e3} s of being printed, whole`,
      paced === undefined ? "–" : `last byte after ${paced.drainMs.toFixed(0)} ms, ${figure(paced.megabytesPerS)} MB/s`,
      paced === undefined ? undefined : paced.drainMs <= heldWithinMs && isWhole(paced),
    ),
    memoryGoal(find(fewConsoles, "saturated", ourName), find(largest, "saturated", ourName)),
  ];
}

function memoryGoal(few: SolSummary | undefined, many: SolSummary | undefined): Goal {
  const what = `resident memory of every further console at most ${mostMbPerConsole} MB (peak, saturated)`;
  if (few === undefined || many === undefined || few === many) return factGoal(what, "–", undefined);
  const each = (many.peakMb - few.peakMb) / (many.bmcs - few.bmcs);
  const measured = `(${figure(many.peakMb)} − ${figure(few.peakMb)}) MB / ${many.bmcs - few.bmcs}: ${each.toFixed(3)} MB`;
  return factGoal(what, measured, each <= mostMbPerConsole);
}

function isWhole({ lines, losses }: SolSummary): boolean {
  return lines.right > 0 && lines.missing + lines.repeated + lines.reordered + lines.damaged + losses === 0;
}

function wrongLines({ lines, losses }: SolSummary): string {
  const { right, missing, repeated, reordered, damaged } = lines;
  return `${right} right, ${missing} missing, ${repeated} repeated, ${reordered} reordered, ${damaged} damaged; ${losses} on record`;
}

export function solReport(summaries: readonly SolSummary[], goals: readonly Goal[], machine: Machine, skipped: readonly string[]): string {
  const head = ["daemon, consoles, load", "connected s", "MB", "MB/s", "CPU s/MB", "connected MB", "peak MB", "last byte ms"];
  const rows = summaries.map((each) => [
    `${each.daemon}, ${each.bmcs}, ${each.load}`,
    ...[each.connectS, each.megabytes, each.megabytesPerS, each.cpuSPerMb, each.connectedMb, each.peakMb].map(figure),
    each.drainMs.toFixed(0),
    wrongLines(each),
  ]);
  const parts = [
    "# Serial-over-LAN: labd beside conmand",
    `Written by \`npm run bench:sol\`; what is measured, and how, is in [README.md](README.md). ${machineLine(machine)}`,
    ...skipped,
    "## Goals",
    goalsTable(goals),
    "## Figures",
    markdownTable([...head, "lines of all runs"], rows),
  ];
  return `${parts.join("\n\n")}\n`;
}
