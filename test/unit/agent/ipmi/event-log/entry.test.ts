/** Records of the event log in words; the words and numbers of the first ones were held against ipmitool 1.8.19. */
import t from "tap";
import { logEntry } from "../../../../../agent/ipmi/event-log/index.js";
import { type Sensor, sensorsOf } from "../../../../../agent/ipmi/sensors/index.js";
import { fromHex } from "../../../../support/ipmi/bytes.js";
import { fullSensor } from "../../../../support/ipmi/sensor-records.js";

const cpu = fullSensor({ number: 0x30, sensorType: 1, baseUnit: 1, text: "CPU1 Temp", line: { m: 1 } });
const known = new Map(sensorsOf(1, cpu.subarray(5)).map((sensor): [string, Sensor] => [sensor.key, sensor]));
const entry = (hex: string) => logEntry(fromHex(hex), (key) => known.get(key));

t.test("an event is a time, a sensor by its name, and what happened", async (t) => {
  const upper = entry("0100 02 00e10b5e 2000 04 01 30 01 59 615f");
  t.match(upper, {
    id: 1,
    timeMs: 0x5e0be100 * 1000,
    sensor: "temperature CPU1 Temp",
    event: "upper critical going high: 97 °C, threshold 95 °C",
    deasserted: false,
  });
  t.equal(Buffer.from(upper.record).toString("hex"), "01000200e10b5e20000401300159615f");
  t.match(entry("0200 02 00e10b5e 2000 04 01 30 81 59 5a5f"), {
    event: "upper critical going high: 90 °C, threshold 95 °C",
    deasserted: true,
  });
});

t.test("a sensor that is not known is a number, and its readings are raw", async (t) => {
  t.match(entry("0100 02 00e10b5e 2000 04 01 31 01 52 615f"), {
    sensor: "temperature 0x31",
    event: "lower critical going low: raw 0x61, threshold raw 0x5f",
  });
  t.match(entry("0100 02 00e10b5e 2200 04 01 30 01 09 ffff"), { sensor: "temperature 0x30" }, "another controller's 0x30 is not ours");
  t.match(entry("0100 02 00e10b5e 4100 04 0f 00 6f c2 1901"), {
    sensor: "system firmware 0x00",
    event: "firmware progress: data2 0x19",
  });
});

t.test("states of generic and of particular kinds", async (t) => {
  const of = (sensorType: string, eventType: string, data: string) =>
    entry(`0100 02 00e10b5e 2000 04 ${sensorType} 51 ${eventType} ${data}`);
  t.match(of("08", "6f", "03ffff"), { sensor: "power supply 0x51", event: "input lost" });
  t.match(of("08", "0b", "01ffff"), { event: "redundancy lost" });
  t.match(of("0c", "6f", "31ff04"), { event: "uncorrectable ECC: data3 0x04" });
  t.match(of("23", "6f", "08ffff"), { sensor: "watchdog 2 0x51", event: "timer interrupt" });
  t.match(of("10", "6f", "02ffff"), { event: "log cleared" });
  t.match(of("01", "07", "42ffff"), { event: "critical, was less severe" }, "a previous state is not repeated");
  t.match(of("c0", "6f", "a10102"), { sensor: "OEM 0xc0 0x51", event: "state 1: data2 0x01, data3 0x02" });
  t.match(of("08", "72", "a30102"), { event: "event 0x72 3: data2 0x01, data3 0x02" });
});

t.test("a time before the clock was set is none", async (t) => {
  for (const time of ["00000000", "ffffff1f", "ffffffff"]) t.equal(entry(`0100 02 ${time} 2000 04 01 30 01 59 615f`).timeMs, 0, time);
  t.equal(entry("0100 02 00000020 2000 04 01 30 01 59 615f").timeMs, 0x20000000 * 1000);
});

t.test("records of vendors are told byte by byte", async (t) => {
  t.match(entry("0200 c1 00e10b5e a20200 010203040506"), {
    timeMs: 0x5e0be100 * 1000,
    sensor: "vendor's record 0xc1 of 674 (Dell)",
    event: "01 02 03 04 05 06",
  });
  t.match(entry("0300 e0 0102030405060708090a0b0c0d"), {
    timeMs: 0,
    sensor: "vendor's record 0xe0",
    event: "01 02 03 04 05 06 07 08 09 0a 0b 0c 0d",
  });
  t.match(entry("0300 07 00e10b5e 2000 04 01 30 01 59 615f"), { sensor: "record of type 0x07" });
});

t.test("a record cut short is told as one, whatever is missing", async (t) => {
  const whole = fromHex("0102 02 00e10b5e 2000 04 01 30 01 59 615f");
  for (let length = 0; length < whole.length; length += 1) {
    t.match(
      logEntry(whole.subarray(0, length), () => undefined),
      { sensor: "record cut short", id: [0, 1][length] ?? 0x201 },
    );
  }
});
