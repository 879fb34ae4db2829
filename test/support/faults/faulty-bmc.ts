/** A simulated BMC with faults, and above it everything of ours that stands between it and a lab: drivers, session, verified power. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Test } from "tap";
import { BmcPool } from "../../../agent/drivers/bmc.js";
import { openSolConsole } from "../../../agent/drivers/console/sol.js";
import { Acts } from "../../../agent/drivers/power/acts.js";
import { WearFile } from "../../../agent/drivers/power/wear-file.js";
import { openIpmiPower } from "../../../agent/drivers/power/ipmi.js";
import { PowerGate } from "../../../agent/drivers/power/gate.js";
import { VerifiedPower } from "../../../agent/drivers/power/verified.js";
import { UdpTransport, type BmcOptions } from "../../../agent/ipmi/index.js";
import type { ConsoleSource } from "../../../agent/ports/console.js";
import type { Power } from "../../../agent/ports/power.js";
import { parseFault } from "../../../agent/sim/bmc/faults/index.js";
import { silentLogger } from "../../../proto/base/logger.js";
import { fastClock } from "../fast-clock.js";
import { scratchDirectory } from "../host/scratch.js";
import { benchBmc, benchPassword, benchUser, type BenchBmc } from "../sim/bench-bmc.js";

/** So much faster than in use: ten seconds of patience are one. */
const speedUp = 10;

export interface FaultyBmc {
  readonly machine: BenchBmc;
  readonly power: Power;
  /** The time an act gets, in its own milliseconds. */
  readonly actMs: number;
  /** Faults begin now, as one writes them. */
  begin(...faults: readonly string[]): void;
  /** A console of the machine; `steal`: takes it from whoever has it. Over the session that power uses. */
  console(options?: { steal?: boolean }): ConsoleSource;
  /** Another client, with a session of its own. */
  stranger(): { readonly pool: BmcPool; readonly options: BmcOptions };
}

export async function faultyBmc(t: Test, options: { client?: Partial<BmcOptions>; actMs?: number } = {}): Promise<FaultyBmc> {
  const { client = {}, actMs = 120_000 } = options;
  const clock = fastClock(speedUp);
  const machine = await benchBmc({ clock });
  const { address, port } = machine.server;
  const bmc = { address, port, user: benchUser, password: benchPassword, ...client };
  const transport = new UdpTransport();
  const newPool = () => {
    const pool = new BmcPool({ clock, log: silentLogger, transport, random: randomBytes });
    t.teardown(() => pool.close());
    return pool;
  };
  // Closed last: what closes sessions needs both ends.
  t.teardown(async () => {
    machine.server.faults.heal();
    await transport.close();
    await machine.server.close();
  });
  const pool = newPool();
  const wear = await WearFile.open(join(await scratchDirectory(t), "wear.json"), clock);
  const power = new VerifiedPower({
    node: "p0",
    device: openIpmiPower(pool, bmc),
    gate: new PowerGate({ clock, log: silentLogger, window: 64, settleMs: 1_000, wear }),
    acts: await Acts.open(join(await scratchDirectory(t), "acts")),
    console: { endOffset: () => 0, markPower: () => 0 },
    clock,
    log: silentLogger,
    pollMs: 500,
  });
  return {
    machine,
    power,
    actMs,
    begin: (...faults) => {
      for (const fault of faults.map(parseFault)) machine.server.faults.begin(fault);
    },
    console: ({ steal = false } = {}) => openSolConsole(pool, { bmc, steal }),
    stranger: () => ({ pool: newPool(), options: bmc }),
  };
}
