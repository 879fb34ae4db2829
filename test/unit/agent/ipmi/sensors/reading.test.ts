/** Get Sensor Reading in words. */
import t from "tap";
import { interpret, sensorKind } from "../../../../../agent/ipmi/sensors/index.js";
import { factors } from "../../../../support/ipmi/sensor-records.js";

const scanned = { events: true, scanning: true, unavailable: false };
const line = { format: 0, linearization: 0, factors: factors({ m: 1 }) };

t.test("a threshold sensor says its number and the worst it has passed", async (t) => {
  const temperature = { type: 1, eventType: 1 };
  const read = (states: number | undefined) =>
    interpret(temperature, { reading: 40, status: scanned, states, moreStates: undefined }, line);
  t.same(read(0), { value: 40, status: "ok" });
  t.same(read(0xc0), { value: 40, status: "ok" }, "the reserved bits say nothing");
  t.same(read(undefined), { value: 40, status: "ok" });
  t.equal(read(0x08).status, "upper non-critical");
  t.equal(read(0x18).status, "upper critical");
  t.equal(read(0x38).status, "upper non-recoverable");
  t.equal(read(0x07).status, "lower non-recoverable");
  t.equal(read(0x03).status, "lower critical");
  t.equal(read(0x01).status, "lower non-critical");
});

t.test("a sensor with states says what is wrong, or what is right", async (t) => {
  const read = (sensor: { type: number; eventType: number }, states: number, moreStates = 0x80) =>
    interpret(sensor, { reading: 0, status: scanned, states, moreStates }, undefined);
  const supply = { type: 8, eventType: 0x6f };
  t.same(read(supply, 0x01), { value: undefined, status: "ok: presence detected" });
  t.equal(read(supply, 0x0b).status, "failure detected, input lost");
  t.equal(read(supply, 0).status, "ok");
  t.equal(read({ type: 0x0c, eventType: 0x6f }, 0, 0x84).status, "critical overtemperature");
  t.equal(read({ type: 8, eventType: 0x0b }, 0x02).status, "redundancy lost");
  t.equal(read({ type: 0xc1, eventType: 0x70 }, 0x04).status, "ok: state 2", "a vendor's own");
});

t.test("a sensor that is not scanned, or whose reading is not there, is not available", async (t) => {
  const of = (status: object) =>
    interpret({ type: 1, eventType: 1 }, { reading: 40, status: { ...scanned, ...status }, states: 0x3f, moreStates: 0 }, line);
  t.same(of({ scanning: false }), { value: undefined, status: "not available" });
  t.same(of({ unavailable: true }), { value: undefined, status: "not available" });
});

t.test("kinds by name", async (t) => {
  t.equal(sensorKind(1), "temperature");
  t.equal(sensorKind(0x2c), "FRU state");
  t.equal(sensorKind(0x2d), "type 0x2d");
  t.equal(sensorKind(0xc8), "OEM 0xc8");
});
