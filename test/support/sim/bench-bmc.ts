/** A simulated BMC on a UDP port, in a chassis that does at once what it is told and writes it down. */
import type { ChassisVerb } from "../../../agent/sim/bmc/chassis-commands.js";
import { type BmcServer, serveBmc } from "../../../agent/sim/bmc/bmc-server.js";
import { parseFault } from "../../../agent/sim/bmc/faults/index.js";
import type { MachineEvent } from "../../../agent/sim/machine/machine.js";
import { SerialPort } from "../../../agent/sim/machine/serial-port.js";
import { cipherSuites, type CipherSuite } from "../../../agent/ipmi/crypto/index.js";
import { type Clock, systemClock } from "../../../proto/base/clock.js";
import { silentLogger } from "../../../proto/base/logger.js";

export const benchUser = "admin";
export const benchPassword = "correct horse";

export interface BenchBmc {
  readonly server: BmcServer;
  readonly serial: SerialPort;
  /** Every command the chassis executed. */
  readonly executed: ChassisVerb[];
  on: boolean;
}

export interface BenchBmcOptions {
  /** Default: a free port of 127.0.0.1. */
  readonly at?: { readonly address: string; readonly port: number };
  readonly clock?: Clock;
  readonly kg?: string;
  readonly sessionSlots?: number;
  readonly suites?: readonly CipherSuite[];
  /** As one writes them: "drop=20%". */
  readonly faults?: readonly string[];
  readonly faultSeed?: string;
}

export async function benchBmc(options: BenchBmcOptions = {}): Promise<BenchBmc> {
  const serial = new SerialPort();
  const watchers = new Set<(event: MachineEvent) => void>();
  const chassis = {
    on: false,
    executed: [] as ChassisVerb[],
    execute(verb: ChassisVerb) {
      chassis.executed.push(verb);
      if (verb === "interrupt") return;
      const was = chassis.on;
      chassis.on = verb !== "off" && verb !== "soft";
      if (chassis.on) server.takeBootDevice();
      const event = chassis.on ? (was ? "reset" : "powered-on") : was ? "powered-off" : undefined;
      if (event !== undefined) for (const watcher of watchers) watcher(event);
    },
    watch(watcher: (event: MachineEvent) => void) {
      watchers.add(watcher);
      return () => void watchers.delete(watcher);
    },
  };
  const server: BmcServer = await serveBmc(options.at ?? { address: "127.0.0.1", port: 0 }, {
    user: benchUser,
    password: benchPassword,
    kg: options.kg,
    suites: options.suites ?? [cipherSuites[17], cipherSuites[3]],
    sessionSlots: options.sessionSlots ?? 4,
    guid: Buffer.from("000102030405060708090a0b0c0d0e0f", "hex"),
    baudRate: 115200,
    chassis,
    faults: (options.faults ?? []).map(parseFault),
    faultSeed: options.faultSeed ?? "bench",
    serial,
    clock: options.clock ?? systemClock,
    log: silentLogger,
  });
  return {
    server,
    serial,
    executed: chassis.executed,
    get on() {
      return chassis.on;
    },
    set on(value) {
      chassis.on = value;
    },
  };
}
