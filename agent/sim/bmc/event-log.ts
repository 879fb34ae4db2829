/** The system event log, SEL: what happened to the machine, whoever did it. It fills up and stays full until it is cleared (§31). */
import {
  clearSel,
  clearSelAction,
  eventRecordBytes,
  eventRecordType,
  getSelEntry,
  getSelInfo,
  getSelTime,
  recordId,
  reserveSel,
  setSelTime,
  systemEventRecord,
} from "../../ipmi/command/index.js";
import { bmcAddress, completionCode, encode } from "../../ipmi/wire/index.js";
import type { Clock } from "../../../proto/base/clock.js";
import type { MachineEvent } from "../machine/machine.js";
import { answers, type CommandEntry, refuse } from "./command-table.js";
import { sensorNumber } from "./sensor-table.js";

const version = 0x51;
const capacity = 512;
const never = 0xffff_ffff;
const eventFormat = 0x04;
/** Event type "sensor-specific": the offset means what the sensor's type says (Table 42-3). */
const sensorSpecific = 0x6f;

/** Of a sensor of the table. Bytes 2 and 3 say nothing. */
interface SelEvent {
  readonly sensor: keyof typeof sensorNumber;
  readonly sensorType: number;
  readonly offset: number;
  readonly deasserted?: boolean;
}

const powerUnit = { sensor: "Power Unit", sensorType: 0x09, offset: 0 } as const; // Power Off
const bootInitiated = { sensor: "System Boot", sensorType: 0x1d } as const;
const diagnosticInterrupt: SelEvent = { sensor: "Critical Int", sensorType: 0x13, offset: 0 };
const logCleared: SelEvent = { sensor: "SEL", sensorType: 0x10, offset: 2 };

const ofMachine: Readonly<Record<MachineEvent, readonly SelEvent[]>> = {
  "powered-on": [
    { ...powerUnit, deasserted: true },
    { ...bootInitiated, offset: 0 }, // by power up
  ],
  "powered-off": [powerUnit],
  reset: [{ ...bootInitiated, offset: 1 }], // by hard reset
};

export class EventLog {
  readonly #clock: Clock;
  #records: Uint8Array[] = [];
  #overflow = false;
  #reservation = 0;
  #lastAddition = never;
  #lastErase = never;
  /** What Set SEL Time made of the clock. */
  #offsetSeconds = 0;
  #nextId = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  machine(event: MachineEvent): void {
    for (const each of ofMachine[event]) this.#add(each);
  }

  interrupted(): void {
    this.#add(diagnosticInterrupt);
  }

  commands(): readonly CommandEntry[] {
    return [
      answers(getSelInfo, "user", () => ({
        version,
        entries: this.#records.length,
        freeBytes: (capacity - this.#records.length) * eventRecordBytes,
        lastAddition: this.#lastAddition,
        lastErase: this.#lastErase,
        operations: { overflow: this.#overflow, delete: false, partialAdd: false, reserve: true, allocationInfo: false },
      })),
      answers(reserveSel, "user", () => ({ reservation: (this.#reservation = (this.#reservation % 0xffff) + 1) })),
      answers(getSelEntry, "user", (request) => this.#read(request)),
      answers(clearSel, "operator", ({ reservation, marker, action }) => {
        if (Buffer.from(marker).toString("latin1") !== "CLR") return refuse(completionCode.invalidDataField);
        if (reservation !== this.#reservation || reservation === 0) return refuse(completionCode.reservationCanceled);
        if (action === clearSelAction.erase) this.#erase();
        return { progress: { done: 1 } };
      }),
      answers(getSelTime, "user", () => ({ seconds: this.#seconds })),
      answers(setSelTime, "operator", ({ seconds }) => {
        this.#offsetSeconds += seconds - this.#seconds;
        return {};
      }),
    ];
  }

  get #seconds(): number {
    return Math.floor(this.#clock.now() / 1000) + this.#offsetSeconds;
  }

  #add({ sensor, sensorType, offset, deasserted = false }: SelEvent): void {
    if (this.#records.length >= capacity) {
      this.#overflow = true;
      return;
    }
    this.#lastAddition = this.#seconds;
    const record = encode(systemEventRecord, {
      id: this.#nextId++,
      type: eventRecordType.system,
      time: this.#seconds,
      generator: { address: bmcAddress >> 1, software: false },
      generatorPath: { channel: 0, lun: 0 },
      format: eventFormat,
      sensorType,
      sensorNumber: sensorNumber[sensor],
      event: { deasserted, type: sensorSpecific },
      data1: { data2: 0, data3: 0, offset },
      data2: 0xff,
      data3: 0xff,
    });
    this.#records.push(record);
  }

  #read({ reservation, record, offset, count }: { reservation: number; record: number; offset: number; count: number }) {
    if (offset !== 0 && reservation !== this.#reservation) return refuse(completionCode.reservationCanceled);
    const index = record === recordId.first ? 0 : record === recordId.last ? this.#records.length - 1 : this.#indexOf(record);
    const bytes = this.#records[index];
    if (bytes === undefined) return refuse(completionCode.notPresent);
    const next = this.#records[index + 1];
    return { next: next === undefined ? recordId.last : idOf(next), data: bytes.subarray(offset, Math.min(offset + count, bytes.length)) };
  }

  #indexOf(id: number): number {
    return this.#records.findIndex((each) => idOf(each) === id);
  }

  #erase(): void {
    this.#records = [];
    this.#overflow = false;
    this.#lastErase = this.#seconds;
    this.#reservation = (this.#reservation % 0xffff) + 1;
    this.#add(logCleared);
  }
}

function idOf(record: Uint8Array): number {
  return (record[0] ?? 0) | ((record[1] ?? 0) << 8);
}
