/** A BMC in memory and our client before it, on a clock of the test. */
import type { Test } from "tap";
import { getChassisStatus, chassisControl } from "../../../agent/ipmi/command/index.js";
import { LoginWindow, openBmc, type Bmc, type BmcDependencies, type BmcMemory, type BmcOptions } from "../../../agent/ipmi/index.js";
import { silentLogger, type Logger } from "../../../proto/base/logger.js";
import { FakeClock } from "../fake-clock.js";
import { BmcDouble, type DoubleSettings } from "./bmc-double.js";
import { fromHex, seededBytes } from "./bytes.js";

export interface Bench {
  readonly double: BmcDouble;
  readonly clock: FakeClock;
  readonly bmc: Bmc;
  readonly deps: BmcDependencies;
}

export interface BenchSettings extends DoubleSettings {
  readonly options?: Partial<BmcOptions>;
  readonly log?: Logger;
  readonly memory?: BmcMemory;
}

export const benchSecret = "secret";

/** Runs `body`; at its end everything must have been given back: timers here, sessions there. */
export async function withBench(t: Test, settings: BenchSettings, body: (bench: Bench) => Promise<void>): Promise<void> {
  const double = new BmcDouble(settings);
  double.answer(getChassisStatus, () => ({ code: 0, data: fromHex("010000") }));
  double.answer(chassisControl, () => ({ code: 0 }));
  const clock = new FakeClock();
  const log = settings.log ?? silentLogger;
  const deps = { clock, log, transport: double, random: seededBytes(42), logins: new LoginWindow() };
  const options = { address: "10.0.1.10", user: "admin", password: benchSecret, ...settings.options };
  const bmc = openBmc(options, deps, settings.memory);
  await body({ double, clock, bmc, deps });
  await advanceUntil(clock, bmc.close());
  t.equal(clock.pendingTimers, 0, "no timer is left");
  t.equal(double.openSessions, 0, "no session is left at the BMC");
}

/** Moves time on until the promise has settled. */
export async function advanceUntil<T>(clock: FakeClock, promise: Promise<T>): Promise<T> {
  let settled = false;
  const watched = promise.finally(() => {
    settled = true;
  });
  watched.catch(() => undefined);
  for (let i = 0; i < 2000 && !settled; i += 1) await clock.advance(100);
  return watched;
}
