/** Sensors and event log of OpenIPMI's ipmi_sim, read by us and by ipmitool: the same names, numbers and words. */
import { randomBytes } from "node:crypto";
import t, { type Test } from "tap";
import { BmcPool } from "../../agent/drivers/bmc.js";
import { openIpmiPower } from "../../agent/drivers/power/ipmi.js";
import { UdpTransport } from "../../agent/ipmi/index.js";
import type { Management } from "../../agent/ports/management.js";
import { silentLogger } from "../../proto/base/logger.js";
import { fastClock } from "../support/fast-clock.js";
import { ipmiSimMissing, startIpmiSim } from "../support/ipmi/ipmi-sim.js";
import { compactSensor, fullSensor, numbered } from "../support/ipmi/sensor-records.js";
import { missingProgram, runProgram } from "../support/sim/peer-program.js";

/** Number, kind, unit and line of each sensor, and the raw reading it has. */
const sensors = [
  { number: 1, sensorType: 1, baseUnit: 1, text: "CPU1 Temp", line: { m: 1 }, raw: 97 },
  { number: 2, sensorType: 1, baseUnit: 1, text: "Inlet Temp", line: { m: 1 }, units: { format: 2 }, raw: 0xf6 },
  { number: 3, sensorType: 4, baseUnit: 18, text: "FAN1", line: { m: 75 }, raw: 40 },
  { number: 4, sensorType: 2, baseUnit: 4, text: "12V", line: { m: 63, exponent: -3 }, raw: 191 },
  { number: 5, sensorType: 2, baseUnit: 4, text: "VBAT", line: { m: 157, b: -5, bExponent: 2, exponent: -4 }, raw: 195 },
  { number: 6, sensorType: 1, baseUnit: 1, text: "Outlet", line: { m: 1 }, units: { format: 1 }, raw: 0xf0 },
  { number: 7, sensorType: 11, baseUnit: 6, text: "Square", line: { m: 1 }, linearization: 8, raw: 30 },
  { number: 8, sensorType: 11, baseUnit: 6, text: "Root", line: { m: 1 }, linearization: 10, raw: 81 },
  { number: 9, sensorType: 11, baseUnit: 6, text: "Inverse", line: { m: 1 }, linearization: 7, raw: 4 },
  { number: 10, sensorType: 11, baseUnit: 6, text: "Minus", line: { m: -2, b: 300 }, raw: 50 },
] as const;
const supply = { number: 20, sensorType: 8, text: "PS1 Status" };

const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => `0x${byte.toString(16)}`).join(" ");
const bits = "000111111111111";
const events = [
  // Upper critical going high at 97, threshold 95; a supply fails; its failure is gone.
  "0x00 0xe1 0x0b 0x5e 0x20 0x00 0x04 0x01 0x01 0x01 0x59 0x61 0x5f",
  "0x00 0xe1 0x0b 0x5e 0x20 0x00 0x04 0x08 0x14 0x6f 0x01 0xff 0xff",
  "0x00 0xe1 0x0b 0x5e 0x20 0x00 0x04 0x08 0x14 0xef 0x01 0xff 0xff",
] as const;
const commands = [
  "sel_enable 0x20 1000 0x0a",
  ...[...sensors.map((each) => fullSensor(each)), compactSensor(supply)].map(
    (record, at) => `main_sdr_add 0x20 ${hex(numbered(record, at + 1))}`,
  ),
  ...sensors.flatMap(({ number, sensorType, raw }) => [
    `sensor_add 0x20 0 ${number} ${sensorType} 1`,
    `sensor_set_event_support 0x20 0 ${number} enable scanning per-state ${bits} ${bits} ${bits} ${bits}`,
    // The others have thresholds of 0, which ipmi_sim compares with all the same.
    ...(number === 1 ? ["sensor_set_threshold 0x20 0 1 settable 111111 0x64 0x5f 0x5a 0 5 10"] : []),
    `sensor_set_value 0x20 0 ${number} ${raw} 0`,
  ]),
  "sensor_add 0x20 0 20 8 0x6f",
  `sensor_set_event_support 0x20 0 20 enable scanning per-state ${bits} ${bits} ${bits} ${bits}`,
  "sensor_set_bit 0x20 0 20 0 1 0",
  "sensor_set_bit 0x20 0 20 3 1 0",
  ...events.map((each) => `sel_add 0x20 2 ${each}`),
  "sel_add 0x20 0xe0 1 2 3 4 5 6 7 8 9 10 11 12 13",
];

interface Bench {
  readonly management: Management;
  readonly ipmitool: (...words: string[]) => Promise<string[][]>;
}

function bench(name: string, body: (t: Test, bench: Bench) => Promise<void>): void {
  t.test(name, { skip: ipmiSimMissing || missingProgram("ipmitool", "ipmitool"), timeout: 60_000 }, async (t) => {
    const sim = await startIpmiSim(t.testdir(), commands);
    t.teardown(() => sim.stop());
    const transport = new UdpTransport();
    t.teardown(() => transport.close());
    // It lets nobody in with suites 8 and 12, by silence; four times as fast is still patient enough for the rest.
    const pool = new BmcPool({ clock: fastClock(4), log: silentLogger, transport, random: randomBytes });
    t.teardown(() => pool.close());
    const power = openIpmiPower(pool, { address: "127.0.0.1", port: sim.port, user: "admin", password: "secret" });
    if (power.management === undefined) return t.fail("a BMC can do more than power");
    const ipmitool = async (...words: string[]) => {
      const way = ["-I", "lanplus", "-C", "3", "-H", "127.0.0.1", "-p", String(sim.port), "-U", "admin", "-E", "-c"];
      const { output } = await runProgram("ipmitool", [...way, ...words], "secret");
      return output
        .split("\n")
        .filter((line) => line.includes(","))
        .map((line) => line.split(","));
    };
    await body(t, { management: power.management, ipmitool });
  });
}

bench("every number is ipmitool's, and so is what is wrong", async (t, { management, ipmitool }) => {
  const ours = await management.sensors();
  // NAME,NUMBER,UNIT,STATUS,…
  const theirs = await ipmitool("sdr", "elist", "full");
  t.equal(theirs.length, sensors.length, "ipmitool sees all of them");
  const units: Readonly<Record<string, string>> = { "degrees C": "°C", RPM: "RPM", Volts: "V", Watts: "W" };
  const statuses: Readonly<Record<string, string>> = {
    ok: "ok",
    unr: "upper non-recoverable",
    ucr: "upper critical",
    unc: "upper non-critical",
    lnc: "lower non-critical",
    lcr: "lower critical",
    lnr: "lower non-recoverable",
  };
  for (const [name = "", value, unit = "", status = ""] of theirs) {
    const mine = ours.find((each) => each.name === name);
    // ipmitool prints at most three digits behind the point.
    t.ok(Math.abs((mine?.value ?? Number.NaN) - Number(value)) <= 0.0005 + 1e-9, `${name}: ${value} ${unit}, here ${mine?.value}`);
    t.equal(mine?.unit, units[unit], `${name}: ${unit}`);
    t.equal(mine?.status, statuses[status], `${name}: ${status}`);
  }
  t.match(
    ours.find((each) => each.name === "PS1 Status"),
    { kind: "power supply", value: undefined, status: "input lost" },
  );
});

bench("every event is ipmitool's, oldest first", async (t, { management, ipmitool }) => {
  const log = await management.eventLog(100);
  t.match(log, { count: 4, overflow: false });
  t.same(
    log.entries.map(({ id, sensor, event, deasserted }) => ({ id, sensor, event, deasserted })),
    [
      { id: 1, sensor: "temperature CPU1 Temp", event: "upper critical going high: 97 °C, threshold 95 °C", deasserted: false },
      { id: 2, sensor: "power supply PS1 Status", event: "failure detected", deasserted: false },
      { id: 3, sensor: "power supply PS1 Status", event: "failure detected", deasserted: true },
      { id: 4, sensor: "vendor's record 0xe0", event: "01 02 03 04 05 06 07 08 09 0a 0b 0c 0d", deasserted: false },
    ],
  );
  // ID,DATE,TIME,SENSOR,EVENT,DIRECTION,DETAIL
  const theirs = await ipmitool("sel", "elist");
  t.same(theirs.map(([id, , , sensor, event, direction]) => [id, sensor, event?.toLowerCase(), direction]).slice(0, 3), [
    ["1", "Temperature CPU1 Temp", "upper critical going high", "Asserted"],
    ["2", "Power Supply PS1 Status", "failure detected", "Asserted"],
    ["3", "Power Supply PS1 Status", "failure detected", "Deasserted"],
  ]);
  t.same(
    (await management.eventLog(2)).entries.map((each) => each.id),
    [3, 4],
    "the newest two",
  );
});

bench("a probe tells what ipmitool tells, and what is wrong with it", async (t, { management }) => {
  const report = await management.probe();
  t.match(report, {
    // As in `ipmitool mc info`: 4753 is MontaVista, which made no BMCs.
    manufacturer: "4753",
    product: "0f02",
    firmware: "9.08",
    ipmiVersion: "2.0",
    guid: "a123456789abcdefa123456780000000",
    users: [{ id: 2, name: "admin", privilege: "administrator", enabled: true }],
    // Of SOL it tells nothing else: "SOL parameter not supported", says ipmitool.
    sol: { enabled: true, baudRate: 0, nonvolatileBaudRate: 0, privilege: "", forceEncryption: false, port: 0 },
  });
  t.same(
    report.suites.filter((each) => each.works).map((each) => each.id),
    [3],
  );
  t.match(report.problems, [/^lets in with suite 3 only: SHA-1/, /^offers cipher suite 0/, /^its clock is not set/]);
  t.ok(report.roundTripMs >= 1, "a status was asked for");
  t.ok(report.packets > 50, `${report.packets} datagrams`);
});
