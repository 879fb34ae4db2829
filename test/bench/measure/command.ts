/** Runs a program to its end and tells what it took: wall time, CPU of it and all it waited for, peak memory of its process tree. */
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { pidOf, type Workbench } from "../workbench.js";
import type { Readable, Writable } from "node:stream";
import { PeakMemory } from "./processes.js";

export interface Cost {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly peakBytes: number;
}

export interface Completed extends Cost {
  readonly exitCode: number;
  readonly output: string;
  readonly errors: string;
}

export interface CommandOptions {
  readonly deadlineMs: number;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Throws when it is not over in time; the exit code is for the caller to judge. */
export async function runMeasured(bench: Workbench, argv: readonly string[], options: CommandOptions): Promise<Completed> {
  const { deadlineMs, input = "", env = {} } = options;
  const wrapper = await bench.program("measure/cost");
  const child = await bench.start([wrapper, ...argv], { stdio: ["pipe", "pipe", "pipe", "pipe"], env: { ...process.env, ...env } });
  const [stdin, stdout, stderr, told] = child.stdio as unknown as [Writable, Readable, Readable, Readable];
  const exited = once(child, "exit");
  const memory = new PeakMemory(pidOf(child), { withRoot: false });
  const overdue = setTimeout(() => void bench.stop(child), deadlineMs);
  try {
    stdin.on("error", () => undefined).end(input);
    const [output, errors, cost] = await Promise.all([text(stdout), text(stderr), text(told), exited]);
    const [wallNs, userUs, systemUs, exitCode] = cost.trim().split(" ").map(Number);
    if (wallNs === undefined || userUs === undefined || systemUs === undefined || exitCode === undefined) {
      throw new Error(`${argv[0]} was not over after ${deadlineMs / 1000} s and was killed; it said: ${(errors || output).slice(-500)}`);
    }
    return { wallMs: wallNs / 1e6, cpuMs: (userUs + systemUs) / 1e3, peakBytes: await memory.end(), exitCode, output, errors };
  } finally {
    clearTimeout(overdue);
    await memory.end();
  }
}
