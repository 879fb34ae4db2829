/** Records of the system event log: 16 bytes each (IPMI v2.0 §32). */
import { bit, bits, bytes, span, struct, u8, u16, u24, u32 } from "../wire/layout.js";

export const eventRecordBytes = 16;

/** Record types 0xC0…0xDF are the vendor's with a time, 0xE0…0xFF without (§32.2, §32.3). */
export const eventRecordType = { system: 0x02, oemTimed: 0xc0, oem: 0xe0 } as const;

export const eventRecordHead = struct({ id: u16, type: u8 });

/** Type 02h (Table 32-1). `time`: seconds since 1970, below 0x20000000 since the BMC's start, 0xFFFFFFFF = unknown. */
export const systemEventRecord = struct({
  id: u16,
  type: u8,
  time: u32,
  /** A controller's address, or with `software` a program's number. */
  generator: bits({ address: span(7, 1), software: bit(0) }),
  generatorPath: bits({ channel: span(7, 4), lun: span(1, 0) }),
  /** 0x04 for IPMI v1.5 and 2.0, 0x03 for v1.0. */
  format: u8,
  sensorType: u8,
  sensorNumber: u8,
  event: bits({ deasserted: bit(7), type: span(6, 0) }),
  /** What data2 and data3 hold (Table 29-6), and which event of its type it is. */
  data1: bits({ data2: span(7, 6), data3: span(5, 4), offset: span(3, 0) }),
  data2: u8,
  data3: u8,
});

/** Types 0xC0…0xDF (Table 32-2). */
export const oemTimedRecord = struct({ id: u16, type: u8, time: u32, manufacturerId: u24, data: bytes(6) });

/** Types 0xE0…0xFF (Table 32-3). */
export const oemRecord = struct({ id: u16, type: u8, data: bytes(13) });
