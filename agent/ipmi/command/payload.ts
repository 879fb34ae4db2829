/** Payloads of a session, SOL above all (IPMI v2.0 §24). */
import { bit, bits, bytes, nothing, reserved, span, struct, u8, u16, u32 } from "../wire/layout.js";
import { command, netFn } from "./command.js";

export const activatePayload = command({
  name: "Activate Payload",
  netFn: netFn.app,
  cmd: 0x48,
  repeatable: true,
  request: struct({
    payloadType: u8,
    instance: u8,
    /** For SOL; alerts: 0 fail, 1 deferred, 2 succeed while SOL is active (Table 24-2). */
    options: bits({ encrypted: bit(7), authenticated: bit(6), testMode: bit(5), alerts: span(3, 2), deassertCts: bit(1) }),
    _reserved: reserved(3),
  }),
  /** Sizes and port are often wrong: look before using them. */
  reply: struct({ auxiliary: bytes(4), inboundSizeBytes: u16, outboundSizeBytes: u16, port: u16, vlan: u16 }),
  completions: {
    0x80: "payload already active on another session",
    0x81: "payload type is disabled",
    0x82: "payload activation limit reached",
    0x83: "cannot activate payload with encryption",
    0x84: "cannot activate payload without encryption",
  },
});

/** 0x80, already deactivated, is success to whoever wanted it inactive. */
export const deactivatePayload = command({
  name: "Deactivate Payload",
  netFn: netFn.app,
  cmd: 0x49,
  repeatable: true,
  request: struct({ payloadType: u8, instance: u8, _auxiliary: reserved(4) }),
  reply: nothing,
  completions: { 0x80: "payload already deactivated", 0x81: "payload type is disabled" },
});

export const getPayloadActivationStatus = command({
  name: "Get Payload Activation Status",
  netFn: netFn.app,
  cmd: 0x4a,
  repeatable: true,
  request: struct({ payloadType: u8 }),
  /** Bit n of `active`: instance n + 1. A capacity of 0 means 1 (Dell blades). */
  reply: struct({ capacity: bits({ instances: span(3, 0) }), active: u16 }),
});

/** Session id 0 = not active. Otherwise whose it is; BMCs differ in which of the session's two ids they give. */
export const getPayloadInstanceInfo = command({
  name: "Get Payload Instance Info",
  netFn: netFn.app,
  cmd: 0x4b,
  repeatable: true,
  request: struct({ payloadType: u8, instance: u8 }),
  reply: struct({ sessionId: u32, information: bytes(8) }),
});
