/** Who a BMC says it is (IPMI v2.0 §20, §22.14). */
import { bit, bits, bytes, nothing, optional, span, struct, u8, u16, u24 } from "../wire/layout.js";
import { command, netFn } from "./command.js";

export const getDeviceId = command({
  name: "Get Device ID",
  netFn: netFn.app,
  cmd: 0x01,
  repeatable: true,
  request: nothing,
  reply: struct({
    deviceId: u8,
    device: bits({ providesSdrs: bit(7), revision: span(3, 0) }),
    firmware: bits({ updating: bit(7), major: span(6, 0) }),
    /** BCD. */
    firmwareMinor: u8,
    /** BCD with the digits swapped: 0x02 = 2.0, 0x51 = 1.5. */
    ipmiVersion: u8,
    support: u8,
    /** IANA enterprise number, 20 bits. */
    manufacturerId: u24,
    productId: u16,
    /** pyghmi's BMC sends three bytes of it. */
    auxiliaryFirmware: optional(bytes(4), 4),
  }),
});

export const getSystemGuid = command({
  name: "Get System GUID",
  netFn: netFn.app,
  cmd: 0x37,
  repeatable: true,
  request: nothing,
  reply: struct({ guid: bytes(16) }),
});
