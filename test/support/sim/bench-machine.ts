/** A simulated machine on a test bench: fake clock, a disk made of the given files, the serial line written down. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { KernelKind } from "../../../agent/sim/kernel.js";
import { Machine } from "../../../agent/sim/machine/machine.js";
import { machineTime } from "../../../agent/sim/machine/machine-time.js";
import type { Clock } from "../../../proto/base/clock.js";
import { silentLogger } from "../../../proto/base/logger.js";

export const benchTiming = { postMs: 60_000, onMs: 1_000, offMs: 2_000, cycleMs: 5_000 };

export interface BenchOptions {
  readonly rootDirectory: string;
  readonly clock: Clock;
  readonly kinds: readonly KernelKind[];
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly speedUp?: number;
  readonly arch?: string;
}

export function benchMachine(options: BenchOptions): { machine: Machine; serial: () => string } {
  for (const [path, contents] of Object.entries(options.files ?? {})) {
    mkdirSync(dirname(join(options.rootDirectory, path)), { recursive: true });
    writeFileSync(join(options.rootDirectory, path), contents);
  }
  const machine = new Machine({
    node: "p0",
    rootDirectory: options.rootDirectory,
    ...(options.arch === undefined ? {} : { arch: options.arch }),
    processors: 4,
    memoryBytes: 16 * 2 ** 30,
    infiniband: { lid: 42, subnetManager: true },
    consoleLine: "ttyS1",
    timing: benchTiming,
    time: machineTime(options.clock, options.speedUp ?? 1),
    kinds: options.kinds,
    shared: new Map(),
    log: silentLogger,
  });
  let serial = "";
  machine.port("ttyS1")?.plugIn((data) => {
    serial += Buffer.from(data).toString("latin1");
  });
  return { machine, serial: () => serial };
}
