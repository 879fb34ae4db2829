/** Entries of the system event log in words (IPMI v2.0 §32). Pure. */
import { eventRecordBytes, eventRecordHead, eventRecordType, oemRecord, oemTimedRecord, systemEventRecord } from "../command/index.js";
import { manufacturerText } from "../manufacturers.js";
import { convert, eventType, type Sensor, sensorKey, sensorKind, stateWords } from "../sensors/index.js";
import { decode, type Value } from "../wire/index.js";

export interface LogEntry {
  readonly id: number;
  /** Since the Unix epoch by the BMC's clock; 0 = before its clock was set. */
  readonly timeMs: number;
  /** "temperature CPU1 Temp"; the sensor's number where its name is not known: "power supply 0x51". */
  readonly sensor: string;
  /** "upper critical going high: 95 °C, threshold 90 °C". */
  readonly event: string;
  readonly deasserted: boolean;
  /** As it came. */
  readonly record: Uint8Array;
}

/** A sensor by its key. */
export type FindSensor = (key: string) => Sensor | undefined;

/** A record in words. */
export function logEntry(record: Uint8Array, find: FindSensor): LogEntry {
  if (record.length < eventRecordBytes) {
    const [low = 0, high = 0] = record;
    return { id: low | (high << 8), timeMs: 0, sensor: "record cut short", event: hexBytes(record), deasserted: false, record };
  }
  const { id, type } = decode(eventRecordHead, record, "SEL record");
  const of = { id, record, deasserted: false };
  if (type >= eventRecordType.oem) {
    const { data } = decode(oemRecord, record, "OEM record");
    return { ...of, timeMs: 0, sensor: `vendor's record ${hex(type)}`, event: hexBytes(data) };
  }
  if (type >= eventRecordType.oemTimed) {
    const { time, manufacturerId, data } = decode(oemTimedRecord, record, "OEM record");
    return {
      ...of,
      timeMs: timeMs(time),
      sensor: `vendor's record ${hex(type)} of ${manufacturerText(manufacturerId)}`,
      event: hexBytes(data),
    };
  }
  const event = decode(systemEventRecord, record, "system event record");
  if (type !== eventRecordType.system) {
    return { ...of, timeMs: timeMs(event.time), sensor: `record of type ${hex(type)}`, event: hexBytes(record.subarray(7)) };
  }
  const sensor = find(sensorKey({ owner: event.generator, ownerPath: event.generatorPath }, event.sensorNumber));
  return {
    ...of,
    timeMs: timeMs(event.time),
    sensor: `${sensorKind(event.sensorType)} ${sensor?.name || hex(event.sensorNumber)}`,
    event: eventText(event, sensor),
    deasserted: event.event.deasserted,
  };
}

/** Times below this count from the BMC's start: its clock was never set (§37.1). */
const firstTime = 0x2000_0000;
const unknownTime = 0xffff_ffff;

/** Seconds of the log → milliseconds since the Unix epoch; 0 when the clock was not set. */
export function timeMs(seconds: number): number {
  return seconds < firstTime || seconds === unknownTime ? 0 : seconds * 1000;
}

function eventText({ event, sensorType, data1, data2, data3 }: Value<typeof systemEventRecord>, sensor: Sensor | undefined): string {
  const oem = event.type > eventType.sensorSpecific;
  const words = oem ? `event ${hex(event.type)} ${data1.offset}` : stateWords(event.type, sensorType, data1.offset).text;
  const details: string[] = [];
  if (event.type === eventType.threshold) {
    if (data1.data2 === dataHolds.measured) details.push(measured(data2, sensor));
    if (data1.data3 === dataHolds.measured) details.push(`threshold ${measured(data3, sensor)}`);
  }
  // Data a vendor or the sensor's type gives a meaning; a previous state (1, of other sensors) is told by the entry before.
  if (data1.data2 >= dataHolds.oem) details.push(`data2 ${hex(data2)}`);
  if (data1.data3 >= dataHolds.oem) details.push(`data3 ${hex(data3)}`);
  return details.length === 0 ? words : `${words}: ${details.join(", ")}`;
}

/** What data2 and data3 hold: of a threshold sensor the reading and the threshold, else 2 the vendor's, 3 the sensor type's (Table 29-6). */
const dataHolds = { measured: 1, oem: 2 } as const;

/** "95 °C"; raw where the sensor's record is not known. */
function measured(raw: number, sensor: Sensor | undefined): string {
  const value = sensor?.conversion && convert(sensor.conversion, raw);
  return value === undefined ? `raw ${hex(raw)}` : `${value} ${sensor?.unit ?? ""}`.trim();
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, "0")}`;
}

function hexBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
