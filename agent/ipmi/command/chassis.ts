/** Power and the identify light (IPMI v2.0 §28.2, §28.3, §28.5). */
import { bit, bits, nothing, optional, span, struct, u8 } from "../wire/layout.js";
import { command, netFn } from "./command.js";

export const getChassisStatus = command({
  name: "Get Chassis Status",
  netFn: netFn.chassis,
  cmd: 0x01,
  repeatable: true,
  request: nothing,
  reply: struct({
    power: bits({
      restorePolicy: span(6, 5),
      controlFault: bit(4),
      fault: bit(3),
      interlock: bit(2),
      overload: bit(1),
      on: bit(0),
    }),
    lastEvent: bits({ onByCommand: bit(4), fault: bit(3), interlock: bit(2), overload: bit(1), acFailed: bit(0) }),
    chassis: bits({
      identifySupported: bit(6),
      identify: span(5, 4),
      coolingFault: bit(3),
      driveFault: bit(2),
      lockout: bit(1),
      intrusion: bit(0),
    }),
    frontPanel: optional(u8),
  }),
});

export const chassisAction = { off: 0, on: 1, cycle: 2, reset: 3, diagnosticInterrupt: 4, soft: 5 } as const;
export type ChassisAction = keyof typeof chassisAction;

export const chassisControl = command({
  name: "Chassis Control",
  netFn: netFn.chassis,
  cmd: 0x02,
  repeatable: false,
  request: struct({ action: bits({ code: span(3, 0) }) }),
  reply: nothing,
});

/**
 * Lights the identify LED for `seconds`, 0 = off; without any the BMC's default of 15 s. `force` lights it until it is switched off:
 * a later addition that older BMCs refuse for its length, so leave it out unless it is wanted.
 */
export const chassisIdentify = command({
  name: "Chassis Identify",
  netFn: netFn.chassis,
  cmd: 0x04,
  repeatable: true,
  request: struct({ seconds: optional(u8), force: optional(bits({ on: bit(0) })) }),
  reply: nothing,
});
