/** The system event log, SEL (IPMI v2.0 §31). Its records are event-record.ts. */
import { bit, bits, bytes, nothing, rest, span, struct, u8, u16, u32 } from "../wire/layout.js";
import { command, netFn } from "./command.js";

const completions = { 0x81: "the event log is being erased" };

/** First and last record, as Get SEL Entry and Get SDR are asked for them. After the last one, `next` is `last`. */
export const recordId = { first: 0x0000, last: 0xffff } as const;
/** As many bytes as the record has. */
export const wholeRecord = 0xff;

/** Times are seconds since 1970 by the BMC's clock; 0xFFFFFFFF = never. */
export const getSelInfo = command({
  name: "Get SEL Info",
  netFn: netFn.storage,
  cmd: 0x40,
  repeatable: true,
  request: nothing,
  reply: struct({
    version: u8,
    entries: u16,
    freeBytes: u16,
    lastAddition: u32,
    lastErase: u32,
    operations: bits({ overflow: bit(7), delete: bit(3), partialAdd: bit(2), reserve: bit(1), allocationInfo: bit(0) }),
  }),
  completions,
});

/** Sent once: a second copy takes away what the first one, whose answer is only late, has reserved. */
export const reserveSel = command({
  name: "Reserve SEL",
  netFn: netFn.storage,
  cmd: 0x42,
  repeatable: false,
  request: nothing,
  reply: struct({ reservation: u16 }),
  completions,
});

/** Reservation 0 will do for whole records (§31.4). */
export const getSelEntry = command({
  name: "Get SEL Entry",
  netFn: netFn.storage,
  cmd: 0x43,
  repeatable: true,
  request: struct({ reservation: u16, record: u16, offset: u8, count: u8 }),
  reply: struct({ next: u16, data: rest }),
  completions,
});

export const clearSelAction = { erase: 0xaa, status: 0x00 } as const;

/** `marker` is "CLR" in ASCII. Needs a reservation; goes on after the reply: ask with `status` until `done` is 1. */
export const clearSel = command({
  name: "Clear SEL",
  netFn: netFn.storage,
  cmd: 0x47,
  repeatable: false,
  request: struct({ reservation: u16, marker: bytes(3), action: u8 }),
  reply: struct({ progress: bits({ done: span(3, 0) }) }),
});

/** Seconds since 1970; below 0x20000000, seconds since the BMC's start: its clock was never set (§37). */
export const getSelTime = command({
  name: "Get SEL Time",
  netFn: netFn.storage,
  cmd: 0x48,
  repeatable: true,
  request: nothing,
  reply: struct({ seconds: u32 }),
});

export const setSelTime = command({
  name: "Set SEL Time",
  netFn: netFn.storage,
  cmd: 0x49,
  repeatable: true,
  request: struct({ seconds: u32 }),
  reply: nothing,
});
