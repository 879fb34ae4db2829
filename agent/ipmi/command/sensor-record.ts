/** Records of the sensor data repository, SDR (IPMI v2.0 §43). */
import { bit, bits, rest, reserved, span, struct, u8, u16 } from "../wire/layout.js";

export const sensorRecordType = { full: 0x01, compact: 0x02, eventOnly: 0x03 } as const;

/** `length`: bytes after these five. */
export const sensorRecordHeadBytes = 5;
export const sensorRecordHead = struct({ id: u16, version: u8, type: u8, length: u8 });

/** Whose sensor it is, and its number there. The BMC itself is address 0x20 >> 1, LUN 0, channel 0. */
const key = {
  owner: bits({ address: span(7, 1), software: bit(0) }),
  ownerPath: bits({ channel: span(7, 4), lun: span(1, 0) }),
  number: u8,
  entityId: u8,
  entityInstance: u8,
} as const;

/** What full and compact records have in common, up to the units. */
const reading = {
  initialization: u8,
  capabilities: u8,
  sensorType: u8,
  eventType: u8,
  assertionMask: u16,
  deassertionMask: u16,
  readingMask: u16,
  /** `format`: 0 unsigned, 1 one's complement, 2 two's complement, 3 no number. `modifier`: 1 = base / modifier, 2 = base × modifier. */
  units: bits({ format: span(7, 6), rate: span(5, 3), modifier: span(2, 1), percentage: bit(0) }),
  baseUnit: u8,
  modifierUnit: u8,
} as const;

/** M, B and their exponents; M and B are 10 bits in two's complement, the exponents 4. Also what Get Sensor Reading Factors gives. */
export const conversionFactors = struct({
  mLow: u8,
  mHigh: bits({ bits: span(7, 6), tolerance: span(5, 0) }),
  bLow: u8,
  bHigh: bits({ bits: span(7, 6), accuracy: span(5, 0) }),
  accuracy: bits({ high: span(7, 4), exponent: span(3, 2), direction: span(1, 0) }),
  exponents: bits({ result: span(7, 4), b: span(3, 0) }),
});

/** ID string: `code` 0 Unicode, 1 BCD plus, 2 packed 6-bit ASCII, 3 Latin-1; `length` in bytes (§43.15). */
const name = { nameForm: bits({ code: span(7, 6), length: span(4, 0) }), name: rest } as const;

/** One record for sensors with numbers one after the other; the name ends in offset + n, as a number or as letters (`letters` 1). */
const sharing = {
  sharing: bits({ letters: span(5, 4), count: span(3, 0) }),
  sharedNames: bits({ perEntity: bit(7), offset: span(6, 0) }),
} as const;

/** Type 01h, after the head (Table 43-1). Thresholds are raw readings. */
export const fullSensorRecord = struct({
  ...key,
  ...reading,
  linearization: u8,
  factors: conversionFactors,
  analog: u8,
  nominal: u8,
  normalMaximum: u8,
  normalMinimum: u8,
  maximum: u8,
  minimum: u8,
  upperNonRecoverable: u8,
  upperCritical: u8,
  upperNonCritical: u8,
  lowerNonRecoverable: u8,
  lowerCritical: u8,
  lowerNonCritical: u8,
  positiveHysteresis: u8,
  negativeHysteresis: u8,
  _reserved: reserved(2),
  oem: u8,
  ...name,
});

/** Type 02h, after the head (Table 43-2). */
export const compactSensorRecord = struct({
  ...key,
  ...reading,
  ...sharing,
  positiveHysteresis: u8,
  negativeHysteresis: u8,
  _reserved: reserved(3),
  oem: u8,
  ...name,
});

/** Type 03h, after the head (Table 43-3): a sensor that is heard of only in events. */
export const eventOnlyRecord = struct({
  ...key,
  sensorType: u8,
  eventType: u8,
  ...sharing,
  _reserved: reserved(1),
  oem: u8,
  ...name,
});
