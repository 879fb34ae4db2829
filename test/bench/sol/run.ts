/** The SOL benchmark: for every size of farm every daemon, run after run, and what each has stored checked line by line. */
import { systemClock, sleep } from "../../../proto/base/clock.js";
import { startFarm, type Farm } from "../farm/farm.js";
import { lineBytes, type Printed } from "../farm/serial-source.js";
import { PeakMemory, residentBytes, threadsCpuMs } from "../measure/processes.js";
import { missingPrograms } from "../programs.js";
import type { Workbench } from "../workbench.js";
import type { ConsoleDaemon, DaemonCheck, RunningDaemon } from "./daemon.js";

export interface SolLoad {
  readonly name: "saturated" | "paced";
  /** For every console. */
  readonly lines: number;
  /** For every console; 0 = as fast as the BMCs take it. */
  readonly bytesPerS: number;
}

/** 115,200 baud, 8N1. */
const fullLineBytesPerS = 11_520;
const pacedS = 10;

/** As much in all, whatever the number of consoles; and on the largest farm every line at its full speed. */
export function loadsFor(bmcs: number, largest: number): readonly SolLoad[] {
  const saturated: SolLoad = { name: "saturated", lines: bmcs >= 256 ? 1024 : Math.round(131_072 / bmcs), bytesPerS: 0 };
  const paced: SolLoad = { name: "paced", lines: (pacedS * fullLineBytesPerS) / lineBytes, bytesPerS: fullLineBytesPerS };
  return bmcs === largest ? [saturated, paced] : [saturated];
}

export interface SolPlan {
  readonly sizes: readonly number[];
  readonly loads: (bmcs: number) => readonly SolLoad[];
  readonly runs: number;
  /** Between the last console's connecting and the first byte. */
  readonly settleMs: number;
  readonly daemons: readonly ConsoleDaemon[];
  readonly port: number;
  readonly say: (text: string) => void;
}

export interface SolSample extends DaemonCheck {
  readonly bmcs: number;
  readonly load: SolLoad["name"];
  readonly daemon: string;
  readonly run: number;
  /** What the machines printed in all. */
  readonly bytes: number;
  /** What of it was stored, each line once: costs are for these. */
  readonly storedBytes: number;
  readonly connectMs: number;
  /** From the first byte printed until the last was stored, or nothing more came. */
  readonly wallMs: number;
  /** After the machines had printed everything: what was on its way then. */
  readonly drainMs: number;
  /** By how much the machines were held up, at worst. */
  readonly lateMs: number;
  readonly cpuMs: number;
  readonly connectedBytes: number;
  readonly peakBytes: number;
}

/**
 * Between the last console's connecting and the first byte, for every daemon. conmand 0.2.7 does not read a new console for up to a second, and loses the
 * session when more than 10 kB come meanwhile.
 */
export const patientSettleMs = 3_000;

/** How long nothing may come before the rest is taken for lost. */
const patienceMs = 5_000;

export async function runSol(bench: Workbench, plan: SolPlan): Promise<readonly SolSample[]> {
  const daemons = plan.daemons.filter(({ name, needs }) => {
    const missing = missingPrograms(needs);
    if (missing !== undefined) plan.say(`skipped ${name}: ${missing}`);
    return missing === undefined;
  });
  const samples: SolSample[] = [];
  let round = 0;
  for (const bmcs of plan.sizes) {
    plan.say(`${bmcs} consoles`);
    for (let run = 1; run <= plan.runs; run += 1) {
      for (const load of plan.loads(bmcs)) {
        for (const daemon of daemons) {
          round += 1;
          // A simulator whose console was cut off in the middle of its output may have none for the next: each daemon gets new ones.
          const farm = await startFarm(bench, { count: bmcs, port: plan.port, serial: true });
          const sample = { ...(await captureOnce(bench, farm, daemon, { ...load, round, settleMs: plan.settleMs })), run };
          await farm.stop();
          plan.say(sampleLine(sample));
          samples.push(sample);
        }
      }
    }
  }
  return samples;
}

interface Round {
  /** Distinguishes its lines from those of others. */
  readonly round: number;
  readonly settleMs: number;
}

async function captureOnce(bench: Workbench, farm: Farm, daemon: ConsoleDaemon, load: SolLoad & Round): Promise<Omit<SolSample, "run">> {
  const bytes = farm.bmcs.length * load.lines * lineBytes;
  const running = await daemon.start(bench, farm);
  try {
    const measured = await measure(running, farm, load, bytes);
    const { lines, losses } = await running.check(load.round, load.lines);
    const of = { bmcs: farm.bmcs.length, load: load.name, daemon: daemon.name, bytes, storedBytes: lines.right * lineBytes };
    return { ...of, connectMs: running.connectMs, ...measured, lines, losses };
  } finally {
    await running.close();
  }
}

async function measure(running: RunningDaemon, farm: Farm, load: SolLoad & Round, bytes: number) {
  if (farm.serial === undefined) throw new Error("this farm has no serial lines");
  await sleep(systemClock, load.settleMs);
  const before = await running.logged();
  const connectedBytes = await residentBytes(running.pid);
  const memory = new PeakMemory(running.pid);
  const cpuBefore = await threadsCpuMs(running.pid);
  const began = performance.now();
  let printed: (Printed & { readonly atMs: number }) | undefined;
  const printing = farm.serial.print(load).then((told) => {
    printed = { ...told, atMs: performance.now() };
  });
  let logged = 0;
  let lastMs = performance.now();
  while (logged < bytes && (printed === undefined || performance.now() - lastMs < patienceMs)) {
    await sleep(systemClock, 50);
    const now = (await running.logged()) - before;
    if (now !== logged) lastMs = performance.now();
    logged = now;
  }
  await printing;
  const cpuMs = (await threadsCpuMs(running.pid)) - cpuBefore;
  const peakBytes = await memory.end();
  const { lateMs = 0, atMs = lastMs } = printed ?? {};
  return { wallMs: lastMs - began, drainMs: Math.max(0, lastMs - atMs), lateMs, cpuMs, connectedBytes, peakBytes };
}

function sampleLine({ run, load, daemon, storedBytes, lines, losses, ...sample }: SolSample): string {
  const { wallMs, cpuMs, connectMs, peakBytes, drainMs } = sample;
  const megabytes = storedBytes / 1e6;
  const wrong = (["missing", "repeated", "reordered", "damaged"] as const).map((what) => `${lines[what]} ${what}`).join(", ");
  return [
    `  run ${run} ${load.padEnd(9)} ${daemon.padEnd(8)} connected in ${(connectMs / 1e3).toFixed(2)} s;`,
    `${megabytes.toFixed(1)} MB in ${(wallMs / 1e3).toFixed(2)} s, ${(megabytes / (wallMs / 1e3)).toFixed(2)} MB/s,`,
    `last byte ${drainMs.toFixed(0)} ms after it was printed, CPU ${(cpuMs / 1e3 / megabytes).toFixed(3)} s/MB,`,
    `peak ${(peakBytes / 1e6).toFixed(1)} MB; lines: ${lines.right} right, ${wrong}; ${losses.length} losses on record ${losses[0] ?? ""}`,
  ].join(" ");
}
