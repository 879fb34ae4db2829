/** What a Redfish service can do beside power: light, boot override, event log, sensors, interrupt, probe. */
import t from "tap";
import { entryOf } from "../../../../../../agent/drivers/power/redfish/event-log.js";
import { pathOf } from "../../../../../../agent/drivers/power/redfish/json.js";
import { refusal } from "../../../../../../agent/drivers/power/redfish/refusal.js";
import { powerReadings, thermalReadings } from "../../../../../../agent/drivers/power/redfish/sensors.js";
import { FakeClock } from "../../../../../support/fake-clock.js";
import { until } from "../../../../../support/host/processes.js";
import { benchRedfish, redfishDevice } from "../../../../../support/sim/bench-redfish.js";

t.test("the light is lit for some seconds, for ever, and switched off", async (t) => {
  for (const faults of [[], ["old-light"]] as const) {
    const bench = await benchRedfish(t, { faults });
    const { computer } = bench.server.service;
    const clock = new FakeClock();
    const device = redfishDevice(t, bench, { clock });
    const { management } = device;
    await management.identify("forever");
    t.equal(computer.light, "Blinking");
    await management.identify("off");
    t.equal(computer.light, "Off");
    await management.identify(15);
    t.equal(computer.light, "Blinking");
    await clock.advance(14_999);
    t.equal(computer.light, "Blinking");
    await clock.advance(1);
    await until(() => computer.light === "Off", "the light to go out");
    await management.identify(255);
    await device.close();
    t.equal(computer.light, "Off", "an agent that ends leaves no light behind that was to go out");
    await t.rejects(management.identify(256), { code: "invalid-argument" });
  }
});

t.test("a boot override is set, read back, and spent by one start", async (t) => {
  for (const faults of [[], ["strict-etag"]] as const) {
    const bench = await benchRedfish(t, { faults });
    const device = redfishDevice(t, bench);
    const { management } = device;
    t.same(await management.bootOverride(), { device: "none", persistent: false, efi: true });
    const once = { device: "pxe", persistent: false, efi: false };
    t.same(await management.setBootOverride(once), once);
    await device.send("on");
    t.match(await management.bootOverride(), { device: "none" });
    const kept = { device: "disk", persistent: true, efi: true };
    t.same(await management.setBootOverride(kept), kept);
    await device.send("reset");
    t.same(await management.bootOverride(), kept);
    t.match(await management.setBootOverride({ ...kept, device: "none" }), { device: "none", persistent: false });
    await t.rejects(management.setBootOverride({ ...once, device: "floppy" }), {
      code: "unsupported",
      message: /cannot boot from floppy.*Pxe/,
    });
  }
});

t.test("the newest entries of the event log come oldest first", async (t) => {
  for (const faults of [[], ["linked-entries"]] as const) {
    const bench = await benchRedfish(t, { faults });
    const device = redfishDevice(t, bench);
    const { management } = device;
    t.match(await management.eventLog(10), { count: 0, overflow: false, entries: [] });
    for (const verb of ["on", "reset", "off"] as const) await device.send(verb);
    const { count, entries } = await management.eventLog(2);
    t.equal(count, 3);
    t.match(entries, [
      { id: 2, sensor: "system event", event: "Reset: ForceRestart", deasserted: false },
      { id: 3, event: "Reset: ForceOff" },
    ]);
    t.ok(entries.every(({ timeMs }) => timeMs > 0));
    t.match(JSON.parse(Buffer.from(entries[0]?.record ?? []).toString()), { Id: "2" }, "the record is the entry as it came");
  }
});

t.test("sensors are those of the machine's chassis", async (t) => {
  const bench = await benchRedfish(t);
  const device = redfishDevice(t, bench);
  const { management } = device;
  const off = await management.sensors();
  t.match(
    off.find(({ name }) => name === "CPU 1"),
    { kind: "temperature", value: undefined, unit: "", status: "not available" },
  );
  await device.send("on");
  const on = await management.sensors();
  t.match(on[1], { name: "CPU 1", kind: "temperature", value: 48, unit: "°C", status: "ok" });
  t.same(
    on.map(({ kind }) => kind),
    ["temperature", "temperature", "fan", "power", "voltage", "power supply"],
  );
});

t.test("a reading beyond its thresholds says which", async (t) => {
  const hot = {
    Name: "CPU",
    ReadingCelsius: 99,
    UpperThresholdNonCritical: 80,
    UpperThresholdCritical: 95,
    Status: { Health: "Critical" },
  };
  t.match(thermalReadings({ Temperatures: [hot], Fans: [{ FanName: "F1", Reading: 30, ReadingUnits: "Percent" }] }), [
    { value: 99, status: "upper critical" },
    { name: "F1", value: 30, unit: "%", status: "ok" },
  ]);
  const low = { Name: "12 V", ReadingVolts: 10.1, LowerThresholdCritical: 10.8 };
  const dead = { Name: "Supply 2", Status: { State: "Enabled", Health: "Critical" } };
  const absent = { Name: "Supply 3", Status: { State: "Absent" } };
  t.match(powerReadings({ Voltages: [low], PowerSupplies: [dead, absent] }), [
    { status: "lower critical" },
    { value: undefined, status: "critical" },
    { status: "not available" },
  ]);
});

t.test("an interrupt is sent once to a machine that is on", async (t) => {
  const bench = await benchRedfish(t);
  const device = redfishDevice(t, bench);
  const { management } = device;
  await t.rejects(management.interrupt(), { code: "unsupported", message: /needs a machine that is on/ });
  await device.send("on");
  bench.server.faults.inject("drops-reply", 1);
  await t.rejects(management.interrupt(), { code: "unreachable" });
  await management.interrupt();
  t.same(bench.executed, ["on", "interrupt", "interrupt"]);
});

t.test("a probe tells who made it, and what is wrong; it never throws but for who cancels", async (t) => {
  const bench = await benchRedfish(t);
  const report = await redfishDevice(t, bench).management.probe();
  t.match(report, { address: bench.server.url, manufacturer: "labd", product: "Simulated BMC", firmware: "1.0", suites: [], users: [] });
  t.match(report.problems, [/does not tell when the machine was last reset/], "it was never on");
  t.ok(report.packets >= 12);
  t.same(bench.executed, []);

  const bare = await benchRedfish(t, { faults: ["bare", "no-allowable-values"], resets: ["On"] });
  const { problems } = await redfishDevice(t, bare).management.probe();
  t.match(problems.join("\n"), /which resets it has[^]*cannot be told what to boot from[^]*what manages the machine/);

  await bench.server.close();
  const gone = await redfishDevice(t, bench).management.probe();
  t.match(gone, { firmware: "", problems: [/ECONNREFUSED/] });
  const caller = new AbortController();
  caller.abort();
  await t.rejects(redfishDevice(t, bench).management.probe({ signal: caller.signal }));
});

t.test("what a bare service lacks is unsupported", async (t) => {
  const bench = await benchRedfish(t, { faults: ["bare"] });
  const { management } = redfishDevice(t, bench);
  await t.rejects(management.identify("forever"), { code: "unsupported", message: /has a light/ });
  await t.rejects(management.bootOverride(), { code: "unsupported" });
  await t.rejects(management.setBootOverride({ device: "pxe", persistent: false, efi: false }), { code: "unsupported" });
  await t.rejects(management.eventLog(5), { code: "unsupported", message: /no event log/ });
  await t.rejects(management.sensors(), { code: "unsupported", message: /neither Thermal nor Power/ });
});

t.test("a status stands for one kind of error, and what the service said is in it", async (t) => {
  const told = (id: string, Message: string) => ({
    error: { "@Message.ExtendedInfo": [{ MessageId: `Base.1.8.${id}`, Message, Resolution: "Do so." }] },
  });
  const table = [
    [401, {}, "authentication"],
    [403, {}, "permission"],
    [400, told("InsufficientPrivilege", "no"), "permission"],
    [404, {}, "unsupported"],
    [405, undefined, "unsupported"],
    [400, told("ActionParameterValueNotInList", "no"), "unsupported"],
    [400, told("PropertyValueFormatError", "no"), "failed"],
    [400, told("UnauthorizedLoginAttempt", "no"), "authentication"],
    [409, {}, "failed"],
    [412, {}, "conflict"],
    [503, "not JSON", "exhausted"],
    [400, told("SessionLimitExceeded", "no"), "exhausted"],
    [500, {}, "unreachable"],
    [502, {}, "unreachable"],
    [307, {}, "failed"],
  ] as const;
  for (const [status, body, code] of table) {
    t.match(refusal("redfish x: act", { status, headers: {}, body }, []), { code, message: new RegExp(`^redfish x: act: ${status}`) });
  }
  const said = refusal("x", { status: 409, headers: {}, body: told("PSU501", "Server is\r\n already on; the password is s3cret.") }, [
    "s3cret",
  ]);
  t.match(said.message, "x: 409: Server is already on; the password is …. Do so.");
  const plain = refusal("x", { status: 400, headers: {}, body: { error: { message: "plain words" } } }, []);
  t.match(plain.message, "x: 400: plain words");
});

t.test("a link is a path of the service itself, wherever it points", async (t) => {
  t.equal(pathOf("/redfish/v1/Systems/1"), "/redfish/v1/Systems/1");
  t.equal(pathOf("https://evil.example/redfish/v1/Sessions/3?x=1"), "/redfish/v1/Sessions/3?x=1");
  t.equal(pathOf("//evil.example/a b"), "/a%20b");
  t.equal(pathOf("javascript:alert(1)"), undefined);
  t.equal(pathOf(""), undefined);
});

t.test("a log entry of any shape is an entry", async (t) => {
  t.match(entryOf({}), { id: 0, timeMs: 0, sensor: "", event: "", deasserted: false });
  const entry = {
    Id: "17",
    Created: "2024-05-01T00:00:00Z",
    SensorType: "Temperature",
    SensorNumber: 49,
    EntryCode: "Deassert",
    MessageId: "x",
  };
  t.match(entryOf(entry), { id: 17, timeMs: 1714521600000, sensor: "temperature 0x31", event: "Deassert", deasserted: true });
});
