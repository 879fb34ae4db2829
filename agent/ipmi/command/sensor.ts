/** Sensors, asked one at a time (IPMI v2.0 §35). What a reading means stands in the sensor's record: sensor-record.ts. */
import { bit, bits, optional, struct, u8 } from "../wire/layout.js";
import { command, netFn } from "./command.js";
import { conversionFactors } from "./sensor-record.js";

/**
 * `states`: of a threshold sensor the comparisons (Table 35-16: bit 0 at or below lower non-critical … 5 at or above upper
 * non-recoverable), of a discrete one its states 0…7; `moreStates` those from 8 on. Some BMCs leave them out.
 */
export const getSensorReading = command({
  name: "Get Sensor Reading",
  netFn: netFn.sensor,
  cmd: 0x2d,
  repeatable: true,
  request: struct({ sensor: u8 }),
  reply: struct({
    reading: u8,
    status: bits({ events: bit(7), scanning: bit(6), unavailable: bit(5) }),
    states: optional(u8),
    moreStates: optional(u8),
  }),
});

/** Raw thresholds; `readable`: bits as in `states` of a reading. */
export const getSensorThresholds = command({
  name: "Get Sensor Thresholds",
  netFn: netFn.sensor,
  cmd: 0x27,
  repeatable: true,
  request: struct({ sensor: u8 }),
  reply: struct({
    readable: u8,
    lowerNonCritical: u8,
    lowerCritical: u8,
    lowerNonRecoverable: u8,
    upperNonCritical: u8,
    upperCritical: u8,
    upperNonRecoverable: u8,
  }),
});

/** The factors of a sensor whose line is not straight, at a raw reading. */
export const getSensorReadingFactors = command({
  name: "Get Sensor Reading Factors",
  netFn: netFn.sensor,
  cmd: 0x23,
  repeatable: true,
  request: struct({ sensor: u8, reading: u8 }),
  reply: struct({ nextReading: u8, factors: conversionFactors }),
});
