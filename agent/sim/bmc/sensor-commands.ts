/** Sensors and the repository that describes them: read only (IPMI v2.0 §33, §35). */
import {
  getSdr,
  getSdrRepositoryInfo,
  getSensorReading,
  getSensorThresholds,
  recordId,
  reserveSdrRepository,
} from "../../ipmi/command/index.js";
import { completionCode } from "../../ipmi/wire/index.js";
import type { Chassis } from "./chassis-commands.js";
import { answers, type CommandEntry, refuse } from "./command-table.js";
import { readableThresholds, sensorRecord, thresholdBit } from "./sensor-records.js";
import { type AnalogSensor, type Sensor, sensors } from "./sensor-table.js";

const version = 0x51;
/** When a simulated machine was built: the repository never changed since. */
const built = Date.UTC(2024, 0, 1) / 1000;
/** Reserved bits of a threshold sensor's states read as 1 (Table 35-15). */
const unusedComparisons = 0xc0;

export function sensorCommands(chassis: Pick<Chassis, "on">): readonly CommandEntry[] {
  const table: readonly Sensor[] = Object.values(sensors);
  const records = table.map((sensor, index) => sensorRecord(sensor, index + 1, index + 1));
  let reservation = 0;
  return [
    answers(getSdrRepositoryInfo, "user", () => ({
      version,
      records: records.length,
      freeBytes: 0,
      lastAddition: built,
      lastErase: built,
      operations: { overflow: false, modal: 0, delete: false, partialAdd: false, reserve: true, allocationInfo: false },
    })),
    answers(reserveSdrRepository, "user", () => ({ reservation: (reservation = (reservation % 0xffff) + 1) })),
    answers(getSdr, "user", (request) => {
      if (request.offset !== 0 && request.reservation !== reservation) return refuse(completionCode.reservationCanceled);
      const index = request.record === recordId.first ? 0 : request.record === recordId.last ? records.length - 1 : request.record - 1;
      const record = records[index];
      if (record === undefined) return refuse(completionCode.notPresent);
      const next = index + 1 < records.length ? index + 2 : recordId.last;
      return { next, data: record.subarray(request.offset, request.offset + request.count) };
    }),
    answers(getSensorReading, "user", ({ sensor: number }) => {
      const sensor = table[number - 1];
      return sensor === undefined || sensor.kind === "event-only" ? refuse(completionCode.notPresent) : reading(sensor, chassis.on);
    }),
    answers(getSensorThresholds, "user", ({ sensor: number }) => {
      const sensor = table[number - 1];
      if (sensor?.kind !== "analog") return refuse(sensor === undefined ? completionCode.notPresent : completionCode.illegalForSensor);
      const { lowerCritical = 0, upperNonCritical = 0, upperCritical = 0 } = sensor;
      const missing = { lowerNonCritical: 0, lowerNonRecoverable: 0, upperNonRecoverable: 0 };
      return { readable: readableThresholds(sensor), ...missing, lowerCritical, upperNonCritical, upperCritical };
    }),
  ];
}

function reading(sensor: Exclude<Sensor, { kind: "event-only" }>, on: boolean) {
  const now = on ? sensor.on : sensor.off;
  const status = { events: true, scanning: true, unavailable: now === undefined };
  if (sensor.kind === "discrete") return { reading: 0, status, states: now ?? 0, moreStates: 0x80 };
  return {
    reading: now ?? 0,
    status,
    states: unusedComparisons | (now === undefined ? 0 : comparisons(sensor, now)),
    moreStates: undefined,
  };
}

function comparisons({ lowerCritical, upperNonCritical, upperCritical }: AnalogSensor, raw: number): number {
  return (
    (lowerCritical !== undefined && raw <= lowerCritical ? thresholdBit.lowerCritical : 0) |
    (upperNonCritical !== undefined && raw >= upperNonCritical ? thresholdBit.upperNonCritical : 0) |
    (upperCritical !== undefined && raw >= upperCritical ? thresholdBit.upperCritical : 0)
  );
}
