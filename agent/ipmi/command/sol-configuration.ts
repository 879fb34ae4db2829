/** SOL configuration parameters (IPMI v2.0 §26.2, §26.3). */
import { bit, bits, nothing, rest, span, struct, u8, u16 } from "../wire/layout.js";
import { command, netFn } from "./command.js";

const completions = { 0x80: "parameter not supported", 0x81: "set already in progress", 0x82: "parameter is read-only" };

/** `data` by parameter: see solParameterLayout. */
export const setSolConfigurationParameters = command({
  name: "Set SOL Configuration Parameters",
  netFn: netFn.transport,
  cmd: 0x21,
  repeatable: true,
  request: struct({ channel: u8, parameter: u8, data: rest }),
  reply: nothing,
  completions,
});

export const getSolConfigurationParameters = command({
  name: "Get SOL Configuration Parameters",
  netFn: netFn.transport,
  cmd: 0x22,
  repeatable: true,
  request: struct({ channel: bits({ revisionOnly: bit(7), number: span(3, 0) }), parameter: u8, set: u8, block: u8 }),
  reply: struct({ revision: u8, data: rest }),
  completions,
});

export const solParameter = {
  setInProgress: 0,
  enable: 1,
  authentication: 2,
  accumulate: 3,
  retry: 4,
  nonVolatileBitRate: 5,
  volatileBitRate: 6,
  payloadChannel: 7,
  payloadPort: 8,
} as const;
export type SolParameter = keyof typeof solParameter;

/** The data of each parameter (Table 26-5). */
export const solParameterLayout = {
  setInProgress: struct({ state: bits({ progress: span(1, 0) }) }),
  enable: struct({ flags: bits({ enabled: bit(0) }) }),
  authentication: struct({ flags: bits({ forceEncryption: bit(7), forceAuthentication: bit(6), privilege: span(3, 0) }) }),
  /** Interval in units of 5 ms, from 1; threshold in characters. */
  accumulate: struct({ interval: u8, threshold: u8 }),
  /** Interval in units of 10 ms. */
  retry: struct({ limits: bits({ count: span(2, 0) }), interval: u8 }),
  nonVolatileBitRate: struct({ rate: bits({ code: span(3, 0) }) }),
  volatileBitRate: struct({ rate: bits({ code: span(3, 0) }) }),
  payloadChannel: struct({ channel: u8 }),
  payloadPort: struct({ port: u16 }),
} as const satisfies Record<SolParameter, unknown>;

/** Bit rate codes; code 0 = as the serial port is set. */
export const solBitRates: Readonly<Record<number, number>> = { 6: 9600, 7: 19200, 8: 38400, 9: 57600, 10: 115200 };
