/** Sensor data records of the sensors there are (IPMI v2.0 §43). */
import { compactSensorRecord, eventOnlyRecord, fullSensorRecord, sensorRecordHead, sensorRecordType } from "../../ipmi/command/index.js";
import { bmcAddress, encode } from "../../ipmi/wire/index.js";
import type { AnalogSensor, DiscreteSensor, EventOnlySensor, Sensor } from "./sensor-table.js";

const version = 0x51;
const threshold = 0x01;
const sensorSpecific = 0x6f;
const latin1 = 3;
/** Sensor scanning on, type and thresholds as powered up. */
const initialization = 0x7f;
/** Re-arms itself, thresholds can be read, sends no events of its own. */
const capabilities = 0x47;

/** Bits of readable thresholds and of comparisons: lower non-critical, critical, non-recoverable, then upper (Table 35-16). */
export const thresholdBit = { lowerCritical: 0x02, upperNonCritical: 0x08, upperCritical: 0x10 } as const;

/** Bytes of a record; `id` and sensor `number` count from 1. */
export function sensorRecord(sensor: Sensor, id: number, number: number): Uint8Array {
  const [type, body] = bodyOf(sensor, number);
  const head = encode(sensorRecordHead, { id, version, type, length: body.length });
  return Buffer.concat([head, body]);
}

export function readableThresholds(sensor: AnalogSensor): number {
  const names = Object.keys(thresholdBit) as (keyof typeof thresholdBit)[];
  return names.reduce((mask, name) => mask | (sensor[name] === undefined ? 0 : thresholdBit[name]), 0);
}

function bodyOf(sensor: Sensor, number: number): readonly [type: number, body: Uint8Array] {
  switch (sensor.kind) {
    case "analog":
      return [sensorRecordType.full, full(sensor, number)];
    case "discrete":
      return [sensorRecordType.compact, compact(sensor, number)];
    case "event-only":
      return [sensorRecordType.eventOnly, eventOnly(sensor, number)];
  }
}

function key({ entity: [entityId, entityInstance] }: Sensor, number: number) {
  return {
    owner: { address: bmcAddress >> 1, software: false },
    ownerPath: { channel: 0, lun: 0 },
    number,
    entityId,
    entityInstance,
  };
}

function nameOf({ name }: Sensor) {
  return { nameForm: { code: latin1, length: name.length }, name: Buffer.from(name, "latin1") };
}

const notShared = { sharing: { letters: 0, count: 1 }, sharedNames: { perEntity: false, offset: 0 } } as const;

function full(sensor: AnalogSensor, number: number): Uint8Array {
  return encode(fullSensorRecord, {
    ...key(sensor, number),
    ...nameOf(sensor),
    initialization,
    capabilities,
    sensorType: sensor.sensorType,
    eventType: threshold,
    assertionMask: 0,
    deassertionMask: 0,
    readingMask: readableThresholds(sensor),
    units: { format: 0, rate: 0, modifier: 0, percentage: false },
    baseUnit: sensor.unit,
    modifierUnit: 0,
    linearization: 0,
    factors: {
      mLow: sensor.multiplier & 0xff,
      mHigh: { bits: sensor.multiplier >> 8, tolerance: 0 },
      bLow: 0,
      bHigh: { bits: 0, accuracy: 0 },
      accuracy: { high: 0, exponent: 0, direction: 0 },
      exponents: { result: sensor.exponent & 0x0f, b: 0 },
    },
    analog: 0x01, // the nominal reading is given
    nominal: sensor.on,
    normalMaximum: 0,
    normalMinimum: 0,
    maximum: 0xff,
    minimum: 0,
    upperNonRecoverable: 0,
    upperCritical: sensor.upperCritical ?? 0,
    upperNonCritical: sensor.upperNonCritical ?? 0,
    lowerNonRecoverable: 0,
    lowerCritical: sensor.lowerCritical ?? 0,
    lowerNonCritical: 0,
    positiveHysteresis: 0,
    negativeHysteresis: 0,
    oem: 0,
  });
}

function compact(sensor: DiscreteSensor, number: number): Uint8Array {
  return encode(compactSensorRecord, {
    ...key(sensor, number),
    ...nameOf(sensor),
    ...notShared,
    initialization,
    capabilities: 0x40,
    sensorType: sensor.sensorType,
    eventType: sensorSpecific,
    assertionMask: sensor.states,
    deassertionMask: sensor.states,
    readingMask: sensor.states,
    units: { format: 3, rate: 0, modifier: 0, percentage: false },
    baseUnit: 0,
    modifierUnit: 0,
    positiveHysteresis: 0,
    negativeHysteresis: 0,
    oem: 0,
  });
}

function eventOnly(sensor: EventOnlySensor, number: number): Uint8Array {
  const { sensorType } = sensor;
  return encode(eventOnlyRecord, {
    ...key(sensor, number),
    ...nameOf(sensor),
    ...notShared,
    sensorType,
    eventType: sensorSpecific,
    oem: 0,
  });
}
