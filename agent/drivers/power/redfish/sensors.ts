/** Sensors of a machine's chassis: the resources Thermal and Power (Redfish schemas of the same names). */
import { UnsupportedError } from "../../../../proto/base/errors.js";
import type { SensorReading } from "../../../ports/management.js";
import { type Json, linkIn, membersIn, numberIn, objectIn, objectsIn, textIn } from "./json.js";
import type { ComputerSystem } from "./system.js";

interface Waiting {
  readonly signal?: AbortSignal | undefined;
}

/** Of every chassis the system is linked to, in their order. UnsupportedError when none has Thermal or Power. */
export async function readSensors(system: ComputerSystem, options?: Waiting): Promise<readonly SensorReading[]> {
  const { service } = system;
  const { json } = await system.resource(options);
  const readings: SensorReading[] = [];
  let asked = 0;
  for (const path of membersIn(json["Links"], "Chassis")) {
    const chassis = (await service.get(path, options)).json;
    for (const [name, readingsIn] of [["Thermal", thermalReadings] as const, ["Power", powerReadings] as const]) {
      const link = linkIn(chassis, name);
      if (link === undefined) continue;
      asked += 1;
      readings.push(...readingsIn((await service.get(link, options)).json));
    }
  }
  if (asked === 0) throw new UnsupportedError(`${service.label}: the machine's chassis has neither Thermal nor Power to read sensors from`);
  return readings;
}

/** Pure. */
export function thermalReadings(thermal: Json): readonly SensorReading[] {
  return [
    ...objectsIn(thermal, "Temperatures").map((each) => reading(each, "temperature", "ReadingCelsius", "°C")),
    ...objectsIn(thermal, "Fans").map((each) => reading(each, "fan", "Reading", fanUnit(textIn(each, "ReadingUnits")))),
  ];
}

/** Pure. */
export function powerReadings(power: Json): readonly SensorReading[] {
  return [
    ...objectsIn(power, "PowerControl").map((each) => reading(each, "power", "PowerConsumedWatts", "W")),
    ...objectsIn(power, "Voltages").map((each) => reading(each, "voltage", "ReadingVolts", "V")),
    ...objectsIn(power, "PowerSupplies").map((each) => reading(each, "power supply", "LastPowerOutputWatts", "W")),
  ];
}

function reading(sensor: Json, kind: string, property: string, unit: string): SensorReading {
  const value = numberIn(sensor, property);
  const name = textIn(sensor, "Name") || textIn(sensor, "FanName") || textIn(sensor, "MemberId");
  return { name, kind, value, unit: value === undefined ? "" : unit, status: statusOf(sensor, value) };
}

/** Schema Thermal: Reading is in RPM where the service does not say that it is in percent. */
function fanUnit(units: string): string {
  return units === "Percent" ? "%" : "RPM";
}

const thresholds = [
  ["UpperThresholdFatal", "upper non-recoverable", 1],
  ["UpperThresholdCritical", "upper critical", 1],
  ["UpperThresholdNonCritical", "upper non-critical", 1],
  ["LowerThresholdFatal", "lower non-recoverable", -1],
  ["LowerThresholdCritical", "lower critical", -1],
  ["LowerThresholdNonCritical", "lower non-critical", -1],
] as const;

function statusOf(sensor: Json, value: number | undefined): string {
  const status = objectIn(sensor, "Status");
  const state = textIn(status, "State");
  const health = textIn(status, "Health");
  if (state !== "" && state !== "Enabled" && state !== "StandbyOffline") return "not available";
  const crossed = thresholds.find(([property, , sign]) => {
    const limit = numberIn(sensor, property);
    return value !== undefined && limit !== undefined && (value - limit) * sign >= 0;
  });
  if (crossed !== undefined) return crossed[1];
  if (health !== "" && health !== "OK") return health.toLowerCase();
  return value === undefined && health === "" ? "not available" : "ok";
}
