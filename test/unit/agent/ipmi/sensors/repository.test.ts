/** The walk through a sensor repository, over BMCs that make it hard. */
import t from "tap";
import {
  getSdr,
  getSdrRepositoryInfo,
  getSensorReading,
  getSensorReadingFactors,
  reserveSdrRepository,
} from "../../../../../agent/ipmi/command/index.js";
import { SensorRepository } from "../../../../../agent/ipmi/sensors/index.js";
import { CarrierDouble } from "../../../../support/ipmi/carrier-double.js";
import { compactSensor, factors, fullSensor, numbered } from "../../../../support/ipmi/sensor-records.js";

const cpu = fullSensor({ number: 1, sensorType: 1, baseUnit: 1, text: "CPU1 Temp", line: { m: 1 } });
const fan = fullSensor({ number: 2, sensorType: 4, baseUnit: 18, text: "FAN with a long name", line: { m: 75 } });
const supply = compactSensor({
  number: 3,
  sensorType: 8,
  text: "PS",
  sharing: { letters: 0, count: 2 },
  sharedNames: { perEntity: false, offset: 1 },
});
/** No sensor: a FRU locator. */
const locator = Uint8Array.from([0, 0, 0x51, 0x11, 6, 1, 2, 3, 4, 5, 6]);
const names = ["CPU1 Temp", "FAN with a long name", "PS1", "PS2"];

interface Ways {
  /** As many bytes at a time as it can send. */
  readonly mostBytes?: number;
  /** How it says that that was too many. */
  readonly refusal?: number;
  readonly reservations?: boolean;
}

function bmc({ mostBytes = 255, refusal = 0xca, reservations = true }: Ways = {}) {
  const double = new CarrierDouble();
  const records = [cpu, locator, fan, supply].map((record, at) => numbered(record, at + 7));
  const repository = { reservation: 0, lastAddition: 1000, asked: [] as string[] };
  double.answer(getSdrRepositoryInfo, () => ({
    version: 0x51,
    records: records.length,
    freeBytes: 100,
    lastAddition: repository.lastAddition,
    lastErase: 0,
    operations: { overflow: false, modal: 0, delete: false, partialAdd: false, reserve: reservations, allocationInfo: false },
  }));
  double.answer(reserveSdrRepository, () => {
    if (!reservations) return { refused: 0xc1 };
    repository.reservation += 1;
    return { reservation: repository.reservation };
  });
  double.answer(getSdr, ({ reservation, record, offset, count }) => {
    repository.asked.push(`${record} ${offset}+${count}`);
    if (reservations && reservation !== repository.reservation) return { refused: 0xc5 };
    if (count > mostBytes) return { refused: refusal };
    const at = record === 0 ? 0 : records.findIndex((each) => (each[0] ?? 0) === record);
    const bytes = records[at];
    if (bytes === undefined) return { refused: 0xcb };
    return { next: records[at + 1]?.[0] ?? 0xffff, data: bytes.subarray(offset, offset + count) };
  });
  return { double, repository, reader: new SensorRepository(double) };
}

t.test("every sensor is found, in parts every BMC can send, and what is no sensor is only looked at", async (t) => {
  const { reader, repository } = bmc();
  t.same(
    (await reader.sensors()).map((each) => each.name),
    names,
  );
  t.ok(repository.asked.every((each) => Number(each.split("+")[1]) <= 16));
  t.same(
    repository.asked.filter((each) => each.startsWith("8 ")),
    ["8 0+5"],
  );
});

t.test("the sensors are kept until the repository's times change", async (t) => {
  const { double, reader, repository } = bmc();
  await reader.sensors();
  const asked = double.count(getSdr);
  await reader.sensors();
  t.equal(double.count(getSdr), asked);
  repository.lastAddition += 1;
  await reader.sensors();
  t.equal(double.count(getSdr), 2 * asked);
});

t.test("a BMC that cannot send so many bytes is asked for fewer, once and for all", async (t) => {
  for (const refusal of [0xca, 0xff, 0xc8]) {
    const { reader, repository } = bmc({ mostBytes: 9, refusal });
    t.same(
      (await reader.sensors()).map((each) => each.name),
      names,
    );
    t.equal(repository.asked.filter((each) => each.endsWith("+16")).length, 1);
  }
  await t.rejects(
    bmc({ mostBytes: 5 })
      .reader.sensors()
      .then(() => bmc({ mostBytes: 3 }).reader.sensors()),
    { code: "failed" },
  );
});

t.test("a BMC without reservations is read without", async (t) => {
  t.equal((await bmc({ reservations: false }).reader.sensors()).length, names.length);
});

t.test("a lost reservation is taken again, and the record read again", async (t) => {
  const { double, repository, reader } = bmc();
  let thefts = 3;
  const honest = repository.asked;
  double.answer(reserveSdrRepository, () => {
    repository.reservation += 1;
    const ours = repository.reservation;
    // Somebody else reserves right after us.
    if (thefts > 0) repository.reservation += 1;
    thefts -= 1;
    return { reservation: ours };
  });
  t.equal((await reader.sensors()).length, names.length);
  t.equal(double.count(reserveSdrRepository), 4);
  t.ok(honest.length > 0);
});

t.test("two readers that keep taking it from each other come to an end", async (t) => {
  const { double, reader } = bmc();
  double.answer(reserveSdrRepository, () => ({ reservation: 0xbad }));
  await t.rejects(reader.sensors(), { code: "conflict", message: /somebody else keeps reading or writing/ });
  t.equal(double.count(reserveSdrRepository), 8);
});

t.test("a repository that changes while it is read is not told as if it had not", async (t) => {
  const { double, repository, reader } = bmc();
  double.answer(reserveSdrRepository, () => {
    repository.lastAddition += 1;
    return { reservation: 0xbad };
  });
  await t.rejects(reader.sensors(), { code: "failed", message: /changed while it was read/ });
});

t.test("a chain of records that bites its tail ends", async (t) => {
  const { double, reader } = bmc();
  double.answer(getSdr, ({ offset, count }) => ({ next: 7, data: numbered(cpu, 7).subarray(offset, offset + count) }));
  t.same(
    (await reader.sensors()).map((each) => each.name),
    ["CPU1 Temp", "CPU1 Temp"],
    "the first, and the one it leads to",
  );
});

t.test("a reading is a number with a status, or not available", async (t) => {
  const { double, reader } = bmc();
  const [temperature, fanSpeed] = await reader.sensors();
  if (temperature === undefined || fanSpeed === undefined) return t.fail("no sensors");
  const scanned = { events: true, scanning: true, unavailable: false };
  double.answer(getSensorReading, ({ sensor }) =>
    sensor === 1 ? { reading: 97, status: scanned, states: 0x18, moreStates: undefined } : { refused: 0xcb },
  );
  t.same(await reader.read(temperature), { value: 97, status: "upper critical" });
  t.same(await reader.read(fanSpeed), { value: undefined, status: "not available" });
  t.same(await reader.read({ ...temperature, readable: false }), { value: undefined, status: "not available" });
  double.answer(getSensorReading, () => ({ refused: 0xd4 }));
  await t.rejects(reader.read(temperature), { code: "permission" });
});

t.test("the factors of a line that is not straight are asked for with each reading", async (t) => {
  const { double, reader } = bmc();
  const [temperature] = await reader.sensors();
  if (temperature?.conversion === undefined) return t.fail("no sensor");
  const bent = { ...temperature, conversion: { ...temperature.conversion, linearization: 0x70 } };
  const scanned = { events: true, scanning: true, unavailable: false };
  double.answer(getSensorReading, () => ({ reading: 10, status: scanned, states: 0, moreStates: undefined }));
  double.answer(getSensorReadingFactors, ({ reading }) => ({ nextReading: reading + 1, factors: factors({ m: 3, b: 4 }) }));
  t.same(await reader.read(bent), { value: 34, status: "ok" });
  double.answer(getSensorReadingFactors, () => ({ refused: 0xc1 }));
  t.same(await reader.read(bent), { value: undefined, status: "not available" });
});
