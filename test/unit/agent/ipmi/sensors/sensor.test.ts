/** Records → sensors: names, units, who owns them. */
import t from "tap";
import { idText, latinText, sensorsOf, unitText } from "../../../../../agent/ipmi/sensors/index.js";
import { fromHex } from "../../../../support/ipmi/bytes.js";
import { compactSensor, eventOnlySensor, fullSensor } from "../../../../support/ipmi/sensor-records.js";

const sensors = (record: Uint8Array) => sensorsOf(record[3] ?? 0, record.subarray(5));

t.test("a full record is a sensor with a unit and a line", async (t) => {
  const [sensor] = sensors(fullSensor({ number: 0x30, sensorType: 1, baseUnit: 1, text: "CPU1 Temp", line: { m: 1 } }));
  t.match(sensor, { name: "CPU1 Temp", number: 0x30, type: 1, eventType: 1, unit: "°C", readable: true, heardOf: false });
  t.equal(sensor?.conversion?.linearization, 0);
  const [bare] = sensors(fullSensor({ number: 1, sensorType: 7, baseUnit: 0, text: "x", line: { m: 1 }, units: { format: 3 } }));
  t.equal(bare?.conversion, undefined, "no analog reading");
});

t.test("one compact record may stand for several sensors", async (t) => {
  const shared = (letters: number, offset: number, count: number) =>
    sensors(
      compactSensor({ number: 0x51, sensorType: 8, text: "PS", sharing: { letters, count }, sharedNames: { perEntity: false, offset } }),
    ).map(({ name, number }) => `${name} ${number.toString(16)}`);
  t.same(shared(0, 1, 2), ["PS1 51", "PS2 52"]);
  t.same(shared(1, 0, 3), ["PSA 51", "PSB 52", "PSC 53"]);
  t.same(shared(1, 25, 2), ["PSZ 51", "PSAA 52"]);
  t.same(shared(0, 7, 1), ["PS 51"], "one alone keeps its name");
});

t.test("sensors that cannot be asked are known by name", async (t) => {
  t.match(sensors(eventOnlySensor({ number: 0x10, sensorType: 0x10, text: "SEL" })), [{ name: "SEL", heardOf: true }]);
  const elsewhere = { owner: { address: 0x16, software: false } };
  t.match(sensors(compactSensor({ number: 1, sensorType: 8, text: "ME", ...elsewhere })), [{ readable: false, heardOf: false }]);
  t.same(sensorsOf(0x12, fromHex("20 00 00 bf")), [], "a management controller record is no sensor");
});

t.test("names in every encoding, without what a terminal would act on", async (t) => {
  t.equal(idText({ code: 3, length: 4 }, Buffer.from("FAN1 and more")), "FAN1");
  t.equal(idText({ code: 3, length: 9 }, Buffer.from("a\u001b[31mb\n")), "a[31mb");
  // IPMI v2.0 §43.15: "IPMI" in packed 6-bit ASCII.
  t.equal(idText({ code: 2, length: 3 }, fromHex("29dca6")), "IPMI");
  t.equal(idText({ code: 2, length: 4 }, fromHex("29dca629")), "IPMII");
  t.equal(idText({ code: 1, length: 3 }, fromHex("12ab5c")), "12 -5.");
  t.equal(latinText(Buffer.from("admin\0\0\0rest")), "admin");
});

t.test("units, rates and products", async (t) => {
  const none = { rate: 0, modifier: 0, percentage: false };
  t.equal(unitText(none, 18, 0), "RPM");
  t.equal(unitText(none, 0, 0), "");
  t.equal(unitText({ ...none, percentage: true }, 0, 0), "%");
  t.equal(unitText({ ...none, rate: 3 }, 70, 0), "bytes/s");
  t.equal(unitText({ ...none, modifier: 1 }, 37, 23), "l/min");
  t.equal(unitText({ ...none, modifier: 2 }, 4, 5), "V·A");
  t.equal(unitText(none, 92, 0), "grams", "the last of the table");
  t.equal(unitText(none, 65, 0), "K", "colour temperature");
  t.equal(unitText(none, 200, 0), "");
});
