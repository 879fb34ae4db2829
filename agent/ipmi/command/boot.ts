/** System boot options (IPMI v2.0 §28.12–28.14). */
import { bit, bits, nothing, rest, span, struct, u8 } from "../wire/layout.js";
import { command, netFn } from "./command.js";

const completions = { 0x80: "parameter not supported", 0x81: "set already in progress", 0x82: "parameter is read-only" };

/** In Set, `invalid` marks the parameter invalid and locks it. */
const selector = bits({ invalid: bit(7), parameter: span(6, 0) });

export const bootParameter = { setInProgress: 0, validClearing: 3, infoAcknowledge: 4, flags: 5 } as const;

/** `data` by parameter: for `flags`, see bootFlags. */
export const setSystemBootOptions = command({
  name: "Set System Boot Options",
  netFn: netFn.chassis,
  cmd: 0x08,
  repeatable: true,
  request: struct({ selector, data: rest }),
  reply: nothing,
  completions,
});

export const getSystemBootOptions = command({
  name: "Get System Boot Options",
  netFn: netFn.chassis,
  cmd: 0x09,
  repeatable: true,
  request: struct({ parameter: u8, set: u8, block: u8 }),
  reply: struct({ version: u8, selector, data: rest }),
  completions,
});

export const bootDevice = {
  none: 0,
  pxe: 1,
  disk: 2,
  diskSafeMode: 3,
  diagnostics: 4,
  cdrom: 5,
  setup: 6,
  remoteFloppy: 7,
  remoteCdrom: 8,
  remoteMedia: 9,
  remoteDisk: 11,
  floppy: 15,
} as const;
export type BootDevice = keyof typeof bootDevice;

/** Parameter 5 (Table 28-14). One-shot unless `persistent`; `efi` must match the machine's firmware; some BMCs forget it after 60 s. */
export const bootFlags = struct({
  flags: bits({ valid: bit(7), persistent: bit(6), efi: bit(5) }),
  device: bits({ clearCmos: bit(7), lockKeyboard: bit(6), code: span(5, 2), blankScreen: bit(1), lockReset: bit(0) }),
  console: bits({
    lockPower: bit(7),
    verbosity: span(6, 5),
    progressTraps: bit(4),
    bypassPassword: bit(3),
    lockSleep: bit(2),
    redirection: span(1, 0),
  }),
  sharing: u8,
  instance: u8,
});
