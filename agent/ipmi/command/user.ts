/** Who may log in (IPMI v2.0 §22.27, §22.29). */
import { bit, bits, rest, span, struct } from "../wire/layout.js";
import { command, netFn } from "./command.js";

/** How a user was enabled or disabled. Old BMCs do not say: 0. */
export const userStatus = { notTold: 0, enabled: 1, disabled: 2 } as const;
/** The privilege of a user that may not use the channel. */
export const noAccess = 0x0f;

/** `messaging`: may use IPMI on this channel. */
export const getUserAccess = command({
  name: "Get User Access",
  netFn: netFn.app,
  cmd: 0x44,
  repeatable: true,
  request: struct({ channel: bits({ number: span(3, 0) }), user: bits({ id: span(5, 0) }) }),
  reply: struct({
    slots: bits({ count: span(5, 0) }),
    enabled: bits({ status: span(7, 6), count: span(5, 0) }),
    fixedNames: bits({ count: span(5, 0) }),
    access: bits({ callbackOnly: bit(6), linkAuthentication: bit(5), messaging: bit(4), privilege: span(3, 0) }),
  }),
});

/** 16 bytes of ASCII, filled with zeros; some send fewer. A slot without a name is 0xCC or only zeros. */
export const getUserName = command({
  name: "Get User Name",
  netFn: netFn.app,
  cmd: 0x46,
  repeatable: true,
  request: struct({ user: bits({ id: span(5, 0) }) }),
  reply: struct({ name: rest }),
});
