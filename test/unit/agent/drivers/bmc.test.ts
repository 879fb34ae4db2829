/** The drivers on IPMI: power and console of one BMC in memory. */
import t from "tap";
import { BmcPool } from "../../../../agent/drivers/bmc.js";
import { openSolConsole } from "../../../../agent/drivers/console/sol.js";
import { openIpmiPower } from "../../../../agent/drivers/power/ipmi.js";
import { activatePayload, chassisControl, deactivatePayload, getChassisStatus } from "../../../../agent/ipmi/command/index.js";
import type { LineEvent } from "../../../../agent/ports/console.js";
import { solStatus } from "../../../../agent/ipmi/wire/index.js";
import { silentLogger } from "../../../../proto/base/logger.js";
import { lineEvents } from "../../../support/capture/line-events.js";
import { FakeClock } from "../../../support/fake-clock.js";
import { advanceUntil } from "../../../support/ipmi/bench.js";
import { BmcDouble } from "../../../support/ipmi/bmc-double.js";
import { fromHex, seededBytes } from "../../../support/ipmi/bytes.js";

const options = { address: "10.0.1.10", user: "admin", password: "secret" };

function bench() {
  const double = new BmcDouble();
  const machine = { on: false };
  double.answer(getChassisStatus, () => ({ code: 0, data: Uint8Array.of(machine.on ? 0x01 : 0x00, 0x10, 0x00) }));
  double.answer(chassisControl, ([action]) => {
    machine.on = action === 1 || action === 3;
    return { code: 0 };
  });
  double.answer(activatePayload, () => ({ code: 0, data: fromHex("00000000040104016f02ffff") }));
  double.answer(deactivatePayload, () => ({ code: 0 }));
  const clock = new FakeClock();
  const pool = new BmcPool({ clock, log: silentLogger, transport: double, random: seededBytes(5) });
  return { double, machine, pool, clock };
}

t.test("power is read and sent as the port says", async (t) => {
  const { double, pool, machine } = bench();
  const power = openIpmiPower(pool, options);
  t.equal(power.label, "bmc 10.0.1.10");
  t.same(await power.read(), { state: "off", fault: false, lastEvent: "switched on by IPMI command" });
  await power.send("on");
  t.equal((await power.read()).state, "on");
  await power.send("reset");
  await power.send("off");
  t.equal(machine.on, false);
  await t.rejects(power.send("reset"), { code: "unsupported", message: /reset needs a machine that is on/ });
  t.equal(double.count(chassisControl.name), 3, "a reset of a machine that is off is not even sent");
  await power.close();
  t.equal(double.openSessions, 0);
});

t.test("power and console share one session, which ends with the last of them", async (t) => {
  const { double, pool } = bench();
  const power = openIpmiPower(pool, options);
  const console = openSolConsole(pool, { bmc: options, steal: false });
  t.equal(console.kind, "sol");
  t.equal(console.label, "sol 10.0.1.10");
  await Promise.all([power.read(), console.open()]);
  t.equal(double.openSessions, 1);
  await console.close();
  await console.close();
  t.equal(double.count(deactivatePayload.name), 1);
  t.equal(double.openSessions, 1);
  await power.close();
  t.equal(double.openSessions, 0);
});

t.test("a console closed while it opens leaves nothing open, and opens no more", async (t) => {
  const { double, pool } = bench();
  const power = openIpmiPower(pool, options);
  await power.read();
  const console = openSolConsole(pool, { bmc: options, steal: false });
  const opening = console.open();
  await console.close();
  await t.rejects(opening, { code: "cancelled" });
  await t.rejects(console.open(), { code: "cancelled" });
  const other = openSolConsole(pool, { bmc: options, steal: false });
  await other.open();
  await other.close();
  await power.close();
  t.equal(double.openSessions, 0);
});

t.test("a console gives bytes and losses in order, and ends when closed", async (t) => {
  const { double, pool } = bench();
  const console = openSolConsole(pool, { bmc: options, steal: false });
  const line = await console.open();
  const idle = { acknowledged: 0, accepted: 0, data: new Uint8Array(0) };
  double.sendSol({ ...idle, sequence: 0, flags: solStatus.transferUnavailable });
  double.sendSol({ ...idle, sequence: 1, flags: 0, data: fromHex("61") });
  double.sendSol({ ...idle, sequence: 2, flags: solStatus.transmitOverrun, data: fromHex("62") });
  const seen: LineEvent[] = [];
  for await (const event of lineEvents(line)) {
    seen.push(event);
    if (seen.length === 3) break;
  }
  t.match(seen, [
    { kind: "bytes", data: fromHex("61") },
    { kind: "loss", cause: "overrun" },
    { kind: "bytes", data: fromHex("62") },
  ]);
  await line.close();
  await t.rejects(line.write(fromHex("00")), { code: "unreachable" });
  await pool.close();
});

t.test("a probe that gets in ends the pause after a refused password", async (t) => {
  const { double, pool, clock } = bench();
  double.setPassword("other");
  const power = openIpmiPower(pool, options);
  await t.rejects(advanceUntil(clock, power.read()), { code: "authentication" });
  const lease = pool.acquire(options);
  await advanceUntil(clock, lease.discover({ traffic: { sent: 0, received: 0 } }));
  await t.rejects(power.read(), { message: /not tried again for 5 min/ }, "a probe that does not get in changes nothing");
  double.setPassword(options.password);
  await t.rejects(power.read(), { message: /not tried again for 5 min/ });
  await advanceUntil(clock, lease.discover({ traffic: { sent: 0, received: 0 } }));
  t.equal((await power.read()).state, "off");
  await power.close();
  await lease.release();
});

t.test("one BMC cannot be held with two passwords", async (t) => {
  const { pool } = bench();
  const power = openIpmiPower(pool, options);
  t.throws(() => openIpmiPower(pool, { ...options, password: "other" }), {
    code: "invalid-argument",
    message: /bmc 10\.0\.1\.10: two nodes name it with different credentials/,
  });
  await power.close();
  await openIpmiPower(pool, { ...options, password: "other" }).close();
});
