/** Channels and sessions (IPMI v2.0 §22). */
import { bit, bits, bytes, nothing, optional, rest, span, struct, u8, u24, u32 } from "../wire/layout.js";
import { command, netFn } from "./command.js";

/** "The channel this request came in on." */
export const thisChannel = 0x0e;

/** Asked outside any session, in a v1.5 packet: does this BMC speak RMCP+? */
export const getChannelAuthenticationCapabilities = command({
  name: "Get Channel Authentication Capabilities",
  netFn: netFn.app,
  cmd: 0x38,
  repeatable: true,
  request: struct({ channel: bits({ wantV20: bit(7), number: span(3, 0) }), privilege: u8 }),
  reply: struct({
    channel: u8,
    authenticationTypes: bits({ extended: bit(7), oem: bit(5), password: bit(4), md5: bit(2), md2: bit(1), none: bit(0) }),
    status: bits({
      kgSet: bit(5),
      perMessageDisabled: bit(4),
      userLevelDisabled: bit(3),
      namedUsers: bit(2),
      nullUsers: bit(1),
      anonymous: bit(0),
    }),
    versions: bits({ v20: bit(1), v15: bit(0) }),
    oemId: u24,
    oemAuxiliary: u8,
  }),
});

/** Sixteen bytes of cipher suite records at a time, from `listIndex` × 16. Some BMCs stall for 10 s on this outside a session. */
export const getChannelCipherSuites = command({
  name: "Get Channel Cipher Suites",
  netFn: netFn.app,
  cmd: 0x54,
  repeatable: true,
  request: struct({ channel: u8, payloadType: u8, list: bits({ bySuite: bit(7), index: span(5, 0) }) }),
  reply: struct({ channel: u8, records: rest }),
});

export const setSessionPrivilegeLevel = command({
  name: "Set Session Privilege Level",
  netFn: netFn.app,
  cmd: 0x3b,
  repeatable: true,
  request: struct({ privilege: u8 }),
  reply: struct({ privilege: u8 }),
  completions: {
    0x80: "this user may not have the privilege level",
    0x81: "privilege level above the limit of channel or user",
    0x82: "cannot disable user level authentication",
  },
});

/** `sessionId` is the BMC's id of the session. */
export const closeSession = command({
  name: "Close Session",
  netFn: netFn.app,
  cmd: 0x3c,
  repeatable: true,
  request: struct({ sessionId: u32 }),
  reply: nothing,
  completions: { 0x87: "invalid session id", 0x88: "invalid session handle" },
});

export const getChannelInfo = command({
  name: "Get Channel Info",
  netFn: netFn.app,
  cmd: 0x42,
  repeatable: true,
  request: struct({ channel: u8 }),
  reply: struct({
    channel: u8,
    medium: u8,
    protocol: u8,
    sessions: bits({ support: span(7, 6), active: span(5, 0) }),
    vendorId: u24,
    auxiliary: bytes(2),
  }),
});

/** Who may come in by a channel. `which`: 1 = as kept over a restart, 2 = as it is now. */
export const getChannelAccess = command({
  name: "Get Channel Access",
  netFn: netFn.app,
  cmd: 0x41,
  repeatable: true,
  request: struct({ channel: bits({ number: span(3, 0) }), settings: bits({ which: span(7, 6) }) }),
  reply: struct({
    access: bits({ alertingDisabled: bit(5), perMessageDisabled: bit(4), userLevelDisabled: bit(3), mode: span(2, 0) }),
    limit: bits({ privilege: span(3, 0) }),
  }),
  completions: { 0x82: "not supported on this channel" },
});

/** How a channel may be used (Table 22-28). */
export const channelAccessMode = { disabled: 0, preBoot: 1, always: 2, shared: 3 } as const;

/** Served by the simulated BMC only. Our client never sends it: it crashes OpenIPMI's ipmi_sim. */
export const getChannelPayloadSupport = command({
  name: "Get Channel Payload Support",
  netFn: netFn.app,
  cmd: 0x4e,
  repeatable: true,
  request: struct({ channel: u8 }),
  /** Bit n of byte m: payload type 8m + n. */
  reply: struct({ payloadTypes: bytes(8) }),
});

export const getChannelPayloadVersion = command({
  name: "Get Channel Payload Version",
  netFn: netFn.app,
  cmd: 0x4f,
  repeatable: true,
  request: struct({ channel: u8, payloadType: u8 }),
  reply: struct({ version: bits({ major: span(7, 4), minor: span(3, 0) }) }),
  completions: { 0x80: "payload type not available on this channel" },
});

/** Session index 0 = the session that asks. Nothing follows the counts when there is no such session. */
export const getSessionInfo = command({
  name: "Get Session Info",
  netFn: netFn.app,
  cmd: 0x3d,
  repeatable: true,
  request: struct({ index: u8, idOrHandle: rest }),
  reply: struct({
    handle: u8,
    possibleSessions: u8,
    activeSessions: u8,
    session: optional(
      struct({
        userId: u8,
        privilege: u8,
        channel: bits({ protocol: span(7, 4), number: span(3, 0) }),
        consoleAddress: bytes(4),
        consoleMac: bytes(6),
        consolePort: bytes(2),
      }),
    ),
  }),
});
