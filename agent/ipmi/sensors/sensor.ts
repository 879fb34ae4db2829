/** A sensor as its record describes it (IPMI v2.0 §43.1–43.3). Pure. */
import { compactSensorRecord, eventOnlyRecord, fullSensorRecord, sensorRecordType } from "../command/index.js";
import { bmcAddress, decode, type Value } from "../wire/index.js";
import type { Conversion } from "./conversion.js";
import { idText } from "./text.js";
import { unitText } from "./units.js";

export interface Sensor {
  readonly name: string;
  /** Names it in events: see `sensorKey`. */
  readonly key: string;
  readonly number: number;
  /** Only events tell of it: it has no reading. */
  readonly heardOf: boolean;
  /** False when it hangs behind another controller than the one we talk to. */
  readonly readable: boolean;
  readonly type: number;
  readonly eventType: number;
  /** Undefined when it gives no number. */
  readonly conversion: Conversion | undefined;
  readonly unit: string;
}

interface Owner {
  readonly owner: { readonly address: number; readonly software: boolean };
  readonly ownerPath: { readonly channel: number; readonly lun: number };
}

/** Whose sensor, and which: the same in its record and in its events. */
export function sensorKey({ owner, ownerPath }: Owner, number: number): string {
  return `${owner.software ? "software" : "controller"} ${owner.address}.${ownerPath.lun} ${number}`;
}

/** The sensors a record stands for, by its type: none of what is no sensor. `body` is what follows the head. Throws MalformedPacketError. */
export function sensorsOf(recordType: number, body: Uint8Array): readonly Sensor[] {
  switch (recordType) {
    case sensorRecordType.full:
      return [fullSensor(decode(fullSensorRecord, body, "full sensor record"))];
    case sensorRecordType.compact:
      return compactSensors(decode(compactSensorRecord, body, "compact sensor record"));
    case sensorRecordType.eventOnly:
      return eventOnlySensors(decode(eventOnlyRecord, body, "event-only record"));
    default:
      return [];
  }
}

function fullSensor(record: Value<typeof fullSensorRecord>): Sensor {
  const { units, linearization, factors } = record;
  return {
    name: idText(record.nameForm, record.name),
    key: sensorKey(record, record.number),
    number: record.number,
    heardOf: false,
    readable: isOurs(record),
    type: record.sensorType,
    eventType: record.eventType,
    conversion: units.format === 3 ? undefined : { format: units.format, linearization: linearization & 0x7f, factors },
    unit: unitText(units, record.baseUnit, record.modifierUnit),
  };
}

function compactSensors(record: Value<typeof compactSensorRecord>): readonly Sensor[] {
  return sharedNames(record).map((name, n) => ({
    name,
    key: sensorKey(record, record.number + n),
    number: record.number + n,
    heardOf: false,
    readable: isOurs(record),
    type: record.sensorType,
    eventType: record.eventType,
    conversion: undefined,
    unit: "",
  }));
}

function eventOnlySensors(record: Value<typeof eventOnlyRecord>): readonly Sensor[] {
  return sharedNames(record).map((name, n) => ({
    name,
    key: sensorKey(record, record.number + n),
    number: record.number + n,
    heardOf: true,
    readable: false,
    type: record.sensorType,
    eventType: record.eventType,
    conversion: undefined,
    unit: "",
  }));
}

/** Sensors of other controllers would have to be asked by bridging, those on another LUN under that. */
function isOurs({ owner, ownerPath }: Owner): boolean {
  return !owner.software && owner.address === bmcAddress >> 1 && ownerPath.lun === 0;
}

type Shared = Pick<Value<typeof compactSensorRecord>, "nameForm" | "name" | "sharing" | "sharedNames">;

/** One name for each sensor of the record: "PS" and offset 1 make PS1, PS2 (§43.2, byte 24). */
function sharedNames({ nameForm, name, sharing, sharedNames }: Shared): readonly string[] {
  const text = idText(nameForm, name);
  if (sharing.count <= 1) return [text];
  const suffix = (n: number) => (sharing.letters === 1 ? letters(sharedNames.offset + n) : String(sharedNames.offset + n));
  return Array.from({ length: sharing.count }, (_, n) => text + suffix(n));
}

/** 0 → A, 25 → Z, 26 → AA. */
function letters(n: number): string {
  const last = String.fromCharCode(65 + (n % 26));
  return n < 26 ? last : letters(Math.floor(n / 26) - 1) + last;
}
