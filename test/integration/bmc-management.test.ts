/** What a BMC can do beside power, over UDP to the simulated one: as it is, and with its faults. */
import { randomBytes } from "node:crypto";
import t, { type Test } from "tap";
import { BmcPool } from "../../agent/drivers/bmc.js";
import { openIpmiPower } from "../../agent/drivers/power/ipmi.js";
import { cipherSuites } from "../../agent/ipmi/crypto/index.js";
import { type BmcOptions, LoginWindow, openBmc, UdpTransport } from "../../agent/ipmi/index.js";
import type { Management } from "../../agent/ports/management.js";
import type { PowerDevice } from "../../agent/ports/power.js";
import { systemClock } from "../../proto/base/clock.js";
import { silentLogger } from "../../proto/base/logger.js";
import { fastClock } from "../support/fast-clock.js";
import { benchBmc, type BenchBmcOptions, benchPassword, benchUser } from "../support/sim/bench-bmc.js";

async function bench(t: Test, bmcOptions: BenchBmcOptions = {}, ours: Partial<BmcOptions> = {}) {
  const bmc = await benchBmc(bmcOptions);
  t.teardown(() => bmc.server.close());
  const transport = new UdpTransport();
  t.teardown(() => transport.close());
  const { clock = systemClock } = bmcOptions;
  const deps = { clock, logins: new LoginWindow(), log: silentLogger, transport, random: (length: number) => randomBytes(length) };
  const pool = new BmcPool(deps);
  t.teardown(() => pool.close());
  const { address, port } = bmc.server;
  const power: PowerDevice = openIpmiPower(pool, { address, port, user: benchUser, password: benchPassword, ...ours });
  const management = power.management as Management;
  return { bmc, power, management, deps, options: { address, port, user: benchUser, password: benchPassword } };
}

t.test("sensors follow the machine", async (t) => {
  const { bmc, management } = await bench(t);
  const of = async (name: string) => (await management.sensors()).find((each) => each.name === name);
  t.match(await of("CPU1 Temp"), { kind: "temperature", value: undefined, status: "not available" });
  t.match(await of("FAN1"), { kind: "fan", value: 0, unit: "RPM", status: "lower critical" });
  bmc.on = true;
  t.match(await of("CPU1 Temp"), { value: 46, unit: "°C", status: "ok" });
  t.match(await of("FAN1"), { value: 5400, status: "ok" });
  t.match(await of("12V"), { value: 12.06, unit: "V", status: "ok" });
  t.match(await of("PS1 Status"), { kind: "power supply", value: undefined, status: "ok: presence detected" });
  t.equal(await of("System Boot"), undefined, "what is only heard of has no reading");
});

t.test("the event log tells in words what happened, by the names of its sensors", async (t) => {
  const { power, management } = await bench(t);
  t.same(await management.eventLog(10), { count: 0, overflow: false, entries: [] });
  const before = Math.floor(Date.now() / 1000) * 1000;
  await power.send("on");
  await management.interrupt();
  await power.send("off");
  const { count, entries } = await management.eventLog(10);
  t.equal(count, 4);
  t.same(
    entries.map(({ id, sensor, event, deasserted }) => [id, sensor, event, deasserted]),
    [
      [1, "power unit Power Unit", "power off", true],
      [2, "system boot System Boot", "initiated by power up", false],
      [3, "critical interrupt Critical Int", "front panel NMI", false],
      [4, "power unit Power Unit", "power off", false],
    ],
  );
  t.ok(entries.every(({ timeMs, record }) => timeMs >= before && record.length === 16));
  t.same(
    (await management.eventLog(1)).entries.map((each) => each.id),
    [4],
  );
});

t.test("an interrupt is executed once, and not at all on a machine that is off", async (t) => {
  const { bmc, management } = await bench(t);
  await t.rejects(management.interrupt(), { code: "unsupported" });
  bmc.on = true;
  await management.interrupt();
  t.same(bmc.executed, ["interrupt"]);
});

t.test("an interrupt whose answer is lost is not sent again", async (t) => {
  const { bmc, management } = await bench(t, { faults: ["no-reply-after-act"], clock: fastClock(20) });
  bmc.on = true;
  await t.rejects(management.interrupt(), { code: "unreachable", message: /open whether the BMC acted/ });
  t.same(bmc.executed, ["interrupt"]);
});

t.test("the light is lit, and goes out", async (t) => {
  const { management, deps, options } = await bench(t);
  const look = openBmc(options, deps);
  t.teardown(() => look.close());
  const light = async () => (await look.chassisStatus()).chassis.identify;
  t.equal(await light(), 0);
  await management.identify(30);
  t.equal(await light(), 1, "for a time");
  await management.identify("forever");
  t.equal(await light(), 2, "until it is switched off");
  await management.identify("off");
  t.equal(await light(), 0);
  for (const wrong of [0, 256, 1.5]) await t.rejects(management.identify(wrong), { code: "invalid-argument" });
});

t.test("a boot override is set, read back, and spent by a start", async (t) => {
  const { power, management } = await bench(t);
  const none = { device: "none", persistent: false, efi: false };
  t.same(await management.bootOverride(), none);
  const pxe = { device: "pxe", persistent: false, efi: true };
  t.same(await management.setBootOverride(pxe), pxe);
  await power.send("on");
  t.same(await management.bootOverride(), none);
  const disk = { device: "disk", persistent: true, efi: false };
  t.same(await management.setBootOverride(disk), disk);
  t.same(await management.setBootOverride({ ...disk, device: "remote-cdrom" }), { ...disk, device: "remote-cdrom" });
  t.same(await management.setBootOverride(none), none);
  await t.rejects(management.setBootOverride({ ...pxe, device: "tape" }), { code: "invalid-argument", message: /pxe, disk/ });
});

t.test("a probe says who it is and finds nothing wrong with a BMC in order", async (t) => {
  const { bmc, management } = await bench(t);
  const report = await management.probe();
  t.match(report, {
    address: `127.0.0.1:${bmc.server.port}`,
    product: "1abd",
    firmware: "2.41",
    ipmiVersion: "2.0",
    guid: "000102030405060708090a0b0c0d0e0f",
    users: [{ name: benchUser, privilege: "administrator", enabled: true }],
    sol: { enabled: true, baudRate: 115200, privilege: "operator", forceEncryption: true, port: bmc.server.port },
  });
  t.same(report.problems, []);
  t.same(
    report.suites.map(({ id, works }) => [id, works]),
    [
      [17, true],
      [3, true],
      [12, false],
      [8, false],
    ],
  );
});

t.test("a BMC with other suites than the inventory's is asked by those, and told", async (t) => {
  const { management } = await bench(t, { suites: [cipherSuites[3]] }, { cipherSuites: [17] });
  const report = await management.probe();
  t.equal(report.firmware, "2.41", "it could be asked");
  t.match(report.problems, [/none of the suites it is tried with works \(17\); give it cipher_suites: \[3\]/, /suite 3 only: SHA-1/]);
});

t.test("a wrong password is a problem, tried once", async (t) => {
  const { management } = await bench(t, {}, { password: "wrong" });
  const report = await management.probe();
  t.match(report, { firmware: "", guid: "", users: [], sol: undefined, roundTripMs: 0 });
  t.equal(report.problems.length, 1);
  t.match(report.problems[0], /different password or K_g; check both/);
  t.match(report.suites.slice(1), [{ detail: /not tried/ }, { detail: /not tried/ }, { detail: /not tried/ }]);
});

t.test("what the privilege does not allow is told as such, the rest is there", async (t) => {
  const { management } = await bench(t, {}, { privilege: "user" });
  const report = await management.probe();
  t.equal(report.firmware, "2.41");
  t.match(report.problems, [/^its users cannot be told: .*insufficient privilege; ask for a higher privilege$/]);
  t.same(report.users, []);
});

t.test("a BMC that is full says so, and is asked on the session we have", async (t) => {
  const { power, management } = await bench(t, { sessionSlots: 1 });
  await power.read();
  const report = await management.probe();
  t.equal(report.firmware, "2.41");
  t.ok(report.suites.every((each) => !each.works));
  t.match(report.problems.join("\n"), /all its 1 sessions are in use/);
});

t.test("a BMC that loses every tenth datagram is probed and read all the same", { timeout: 60_000 }, async (t) => {
  const { bmc, management } = await bench(t, { faults: ["drop=10%"], faultSeed: "management", clock: fastClock(20) });
  bmc.on = true;
  t.equal((await management.probe()).firmware, "2.41");
  t.equal((await management.sensors()).length, 10);
});

t.test("a probe that is cancelled ends at once, as cancelled", async (t) => {
  const { management } = await bench(t, { faults: ["drop=100%"] });
  const stop = new AbortController();
  const probing = management.probe({ signal: stop.signal });
  setImmediate(() => stop.abort());
  await t.rejects(probing, { code: "cancelled" });
});
