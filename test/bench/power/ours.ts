/** labd's power beside the others: a process as a site agent is one, with kept sessions, with new sessions, and started for each question. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Farm } from "../farm/farm.js";
import { runMeasured } from "../measure/command.js";
import { median } from "../measure/median.js";
import { PeakMemory } from "../measure/processes.js";
import { nodeCommand, OrderedProcess } from "../order-channel.js";
import type { Workbench } from "../workbench.js";
import type { FleetBmc, FleetOutcome } from "./fleet.js";
import type { Order, Told } from "./ours-process.js";
import { actions, toolDeadlineMs, type Action, type OpenTool, type Performance, type PowerTool } from "./tool.js";

/** Readings over kept sessions take some ms: many of them are measured together. */
const keptRounds = 20;
const newSessionRounds = 5;
/** A daemon has done this before: in a new process most CPU goes into compiling it. `newProcess` shows that. */
const warmingReadings = 2_500;
const mostWarmingRounds = 40;

const program = join(import.meta.dirname, "ours-process.js");

/** `profileDirectory`: where V8's CPU profiles of our processes go. */
export function ourTools(profileDirectory: string | undefined): readonly PowerTool[] {
  const node = nodeCommand(profileDirectory);
  return [
    { name: keptSessions, needs: [], actions, open: (bench, farm) => open(bench, farm, node, perform) },
    { name: newSessions, needs: [], actions: ["stat"], open: (bench, farm) => open(bench, farm, node, performWithNewSessions) },
    { name: newProcess, needs: [], actions: ["stat"], open: async (bench, farm) => startedForEach(bench, farm, node) },
  ];
}

export const keptSessions = "labd, kept sessions";
export const newSessions = "labd, new sessions";
export const newProcess = "labd, new process and sessions";

type OurProcess = OrderedProcess<Order, Told>;
type Perform = (process: OurProcess, action: Action) => Promise<Told>;

async function perform(process: OurProcess, action: Action): Promise<Told> {
  return process.order(action === "stat" ? { kind: "read", rounds: keptRounds } : { kind: "set", verb: action });
}

async function performWithNewSessions(process: OurProcess): Promise<Told> {
  return process.order({ kind: "read-with-new-sessions", rounds: newSessionRounds });
}

async function open(bench: Workbench, farm: Farm, node: readonly string[], how: Perform): Promise<OpenTool> {
  const ours = await OrderedProcess.start<Order, Told>(bench, [...node, program], toolDeadlineMs);
  const opened = await ours.order({ kind: "open", bmcs: fleetOf(farm), actsDirectory: await bench.newDirectory("acts") });
  if (opened.succeeded < farm.bmcs.length) throw new Error(`sessions could not be opened: ${opened.complaints.join("; ")}`);
  const rounds = Math.min(mostWarmingRounds, Math.ceil(warmingReadings / farm.bmcs.length));
  await ours.order({ kind: how === perform ? "read" : "read-with-new-sessions", rounds });
  return {
    async perform(action) {
      const memory = new PeakMemory(ours.pid);
      const told = await how(ours, action);
      return performance(told, await memory.end());
    },
    close: () => ours.close(),
  };
}

function performance({ wallMs, cpuMs, succeeded, complaints }: Told, peakBytes: number): Performance {
  return { wallMs: median(wallMs), cpuMs: median(cpuMs), peakBytes, rounds: wallMs.length, succeeded, complaints };
}

async function startedForEach(bench: Workbench, farm: Farm, node: readonly string[]): Promise<OpenTool> {
  const file = join(await bench.newDirectory("bmcs"), "bmcs.json");
  await writeFile(file, JSON.stringify(fleetOf(farm)));
  return {
    async perform() {
      const { output, errors, exitCode, ...cost } = await runMeasured(bench, [...node, program, "once", file], {
        deadlineMs: toolDeadlineMs,
      });
      if (exitCode !== 0) throw new Error(`our process ended with exit code ${exitCode}: ${errors}`);
      return { ...cost, ...(JSON.parse(output) as FleetOutcome), rounds: 1 };
    },
    close: async () => undefined,
  };
}

function fleetOf(farm: Farm): readonly FleetBmc[] {
  return farm.bmcs.map(({ node, address }) => ({ node, address, port: farm.port }));
}
