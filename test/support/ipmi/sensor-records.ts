/** Sensors of a small server as records of a repository: what ipmi_sim and a double serve, and what both readers are held to. */
import {
  compactSensorRecord,
  eventOnlyRecord,
  fullSensorRecord,
  sensorRecordHead,
  sensorRecordType,
} from "../../../agent/ipmi/command/index.js";
import { concatBytes, encode, type Layout, type Value } from "../../../agent/ipmi/wire/index.js";

type Full = Value<typeof fullSensorRecord>;
type Compact = Value<typeof compactSensorRecord>;

const ours = { owner: { address: 0x10, software: false }, ownerPath: { channel: 0, lun: 0 }, entityId: 7, entityInstance: 1 } as const;

export interface Factors {
  readonly m: number;
  readonly b?: number;
  readonly bExponent?: number;
  readonly exponent?: number;
}

/** M, B and exponents as the bytes of a record. */
export function factors({ m, b = 0, bExponent = 0, exponent = 0 }: Factors): Full["factors"] {
  return {
    mLow: m & 0xff,
    mHigh: { bits: (m >> 8) & 3, tolerance: 0 },
    bLow: b & 0xff,
    bHigh: { bits: (b >> 8) & 3, accuracy: 0 },
    accuracy: { high: 0, exponent: 0, direction: 0 },
    exponents: { result: exponent & 0x0f, b: bExponent & 0x0f },
  };
}

function named(text: string): Pick<Full, "nameForm" | "name"> {
  const name = Buffer.from(text, "latin1");
  return { nameForm: { code: 3, length: name.length }, name };
}

export type FullChoice = Partial<Omit<Full, "factors" | "units">> & { number: number; sensorType: number; baseUnit: number } & {
  text: string;
  line: Factors;
  units?: Partial<Full["units"]>;
};

/** A threshold sensor that gives numbers. */
export function fullSensor({ text, line, units, ...choice }: FullChoice): Uint8Array {
  return record(sensorRecordType.full, fullSensorRecord, {
    ...ours,
    initialization: 0x7f,
    capabilities: 0x68,
    eventType: 0x01,
    assertionMask: 0x7a95,
    deassertionMask: 0x7a95,
    readingMask: 0x3f3f,
    units: { format: 0, rate: 0, modifier: 0, percentage: false, ...units },
    modifierUnit: 0,
    linearization: 0,
    factors: factors(line),
    analog: 0,
    nominal: 0,
    normalMaximum: 0,
    normalMinimum: 0,
    maximum: 0xff,
    minimum: 0,
    upperNonRecoverable: 0x64,
    upperCritical: 0x5f,
    upperNonCritical: 0x5a,
    lowerNonRecoverable: 0,
    lowerCritical: 5,
    lowerNonCritical: 10,
    positiveHysteresis: 2,
    negativeHysteresis: 2,
    oem: 0,
    ...named(text),
    ...choice,
  });
}

export type CompactChoice = Partial<Compact> & { number: number; sensorType: number; text: string };

/** A sensor with states. */
export function compactSensor({ text, ...choice }: CompactChoice): Uint8Array {
  return record(sensorRecordType.compact, compactSensorRecord, {
    ...ours,
    initialization: 0x67,
    capabilities: 0x40,
    eventType: 0x6f,
    assertionMask: 0x7f,
    deassertionMask: 0x7f,
    readingMask: 0x7f,
    units: { format: 3, rate: 0, modifier: 0, percentage: false },
    baseUnit: 0,
    modifierUnit: 0,
    sharing: { letters: 0, count: 1 },
    sharedNames: { perEntity: false, offset: 0 },
    positiveHysteresis: 0,
    negativeHysteresis: 0,
    oem: 0,
    ...named(text),
    ...choice,
  });
}

export function eventOnlySensor({ text, ...choice }: { number: number; sensorType: number; text: string }): Uint8Array {
  return record(sensorRecordType.eventOnly, eventOnlyRecord, {
    ...ours,
    eventType: 0x6f,
    sharing: { letters: 0, count: 1 },
    sharedNames: { perEntity: false, offset: 0 },
    oem: 0,
    ...named(text),
    ...choice,
  });
}

/** Numbered when it is served: id 0 here. */
function record<T>(type: number, layout: Layout<T>, value: T): Uint8Array {
  const body = encode(layout, value);
  return concatBytes(encode(sensorRecordHead, { id: 0, version: 0x51, type, length: body.length }), body);
}

/** The same record under another number. */
export function numbered(record: Uint8Array, id: number): Uint8Array {
  return Uint8Array.of(id & 0xff, id >> 8, ...record.subarray(2));
}
