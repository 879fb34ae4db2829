/** The sensor data repository, SDR (IPMI v2.0 §33). Its records are sensor-record.ts. */
import { bit, bits, nothing, rest, span, struct, u8, u16, u32 } from "../wire/layout.js";
import { command, netFn } from "./command.js";

/** Changed records change the times: what was read under the same ones is still good. */
export const getSdrRepositoryInfo = command({
  name: "Get SDR Repository Info",
  netFn: netFn.storage,
  cmd: 0x20,
  repeatable: true,
  request: nothing,
  reply: struct({
    version: u8,
    records: u16,
    freeBytes: u16,
    lastAddition: u32,
    lastErase: u32,
    operations: bits({ overflow: bit(7), modal: span(6, 5), delete: bit(3), partialAdd: bit(2), reserve: bit(1), allocationInfo: bit(0) }),
  }),
});

/** Sent once: a second copy takes away what the first one, whose answer is only late, has reserved. */
export const reserveSdrRepository = command({
  name: "Reserve SDR Repository",
  netFn: netFn.storage,
  cmd: 0x22,
  repeatable: false,
  request: nothing,
  reply: struct({ reservation: u16 }),
});

/**
 * `count` bytes from `offset`; 0xFF = the whole record, which few BMCs can send at once: 0xCA or 0xFF then. A part needs a
 * reservation, and 0xC5 says that it is no longer good (§33.12).
 */
export const getSdr = command({
  name: "Get SDR",
  netFn: netFn.storage,
  cmd: 0x23,
  repeatable: true,
  request: struct({ reservation: u16, record: u16, offset: u8, count: u8 }),
  reply: struct({ next: u16, data: rest }),
});
