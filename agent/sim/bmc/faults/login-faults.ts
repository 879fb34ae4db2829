/** Faults on the way into a session (facts: IPMI §1). */
import { getChannelAuthenticationCapabilities, setSessionPrivilegeLevel } from "../../../ipmi/command/index.js";
import { decode, openSessionReply, payloadType, privilege, rakpStatus, replyTo } from "../../../ipmi/wire/index.js";
import { isRequestOf } from "./asked.js";
import { fault, type FaultKind, type UserLookup } from "./fault.js";
import { plainFault } from "./plain-fault.js";
import { choice, count } from "./fault-value.js";

const privilegeAboveLimit = 0x81;
const userNameBytes = 16;

export const loginFaults: readonly FaultKind[] = [
  fault({
    name: "session-limit",
    does: "it has so many session slots, and refuses whoever comes when they are taken",
    value: count(1, { least: 0, most: 63, of: "slots" }),
    begin: (slots) => ({ sessionSlots: (usual) => Math.min(usual, slots) }),
  }),
  onlySuite(17),
  onlySuite(3),
  plainFault({
    name: "silent-on-unknown-suite",
    does: "does not answer an Open Session Request for a cipher suite it does not have, instead of refusing it",
    effects: () => ({
      handshake(type, reply) {
        if (type !== payloadType.openSessionRequest || reply === undefined) return reply;
        return decode(openSessionReply, reply, "its own answer").status === rakpStatus.noCipherSuiteMatch ? undefined : reply;
      },
    }),
  }),
  plainFault({
    name: "suite-refused-as-full",
    does: 'refuses a cipher suite it does not have with "insufficient resources" (0x01), as Intel M50CYP does',
    effects: () => ({
      handshake(type, reply) {
        if (type !== payloadType.openSessionRequest || reply === undefined) return reply;
        const [tag = 0, status = 0, ...rest] = reply;
        return status === rakpStatus.noCipherSuiteMatch ? Uint8Array.of(tag, rakpStatus.noResources, ...rest) : reply;
      },
    }),
  }),
  plainFault({
    name: "no-auth-capabilities",
    does: "does not answer Get Channel Authentication Capabilities",
    effects: () => ({
      command: (request, execute) =>
        isRequestOf(getChannelAuthenticationCapabilities, request) ? { reply: undefined, afterMs: 0 } : execute(),
    }),
  }),
  fault({
    name: "wrong-privilege",
    does: "refuses Set Session Privilege Level for this level and those above it, although the user may have them (Cisco UCS)",
    value: choice("operator", "administrator"),
    begin: (level) => ({
      command(request, execute) {
        const [asked = 0] = request.data;
        const refused = isRequestOf(setSessionPrivilegeLevel, request) && asked >= privilege[level];
        return refused ? { reply: replyTo(request, privilegeAboveLimit), afterMs: 0 } : execute();
      },
    }),
  }),
  plainFault({
    name: "open-session-privilege",
    does: "computes codes and keys with the privilege of the Open Session Request instead of RAKP 1's (Supermicro X8, Dell C5220, ipmi_sim)",
    effects: () => ({ lookUp: (user) => ({ ...user, role: (user.role & 0xf0) | user.openSessionPrivilege }) }),
  }),
  plainFault({
    name: "privilege-lookup",
    does: "knows its user only when looked up by name and privilege, not by name alone",
    effects: () => ({ lookUp: (user) => (isNameOnly(user) ? rakpStatus.unauthorizedName : user) }),
  }),
  plainFault({
    name: "padded-name",
    does: "knows its user only by a name filled to 16 bytes, and not by name alone (Intel SE7520AF2)",
    effects: () => ({
      lookUp: (user) => (isNameOnly(user) || user.userName.length !== userNameBytes ? rakpStatus.unauthorizedName : user),
    }),
  }),
  plainFault({
    name: "highest-privilege-only",
    does: "refuses a session at a lower privilege than the user's own (early Tyan boards)",
    effects: () => ({
      lookUp(user) {
        const asked = user.role & 0x0f;
        return asked === privilege.highest || asked === privilege.administrator ? user : rakpStatus.unauthorizedRole;
      },
    }),
  }),
  fault({
    name: "long-codes",
    does: "the codes of RAKP 2 and RAKP 4 are so many bytes too long (Supermicro H8QME: 1, Sun ILOM: more)",
    value: count(1, { least: 1, most: 32, of: "bytes" }),
    begin: (bytes) => ({
      handshake(type, reply) {
        if (reply === undefined || reply[1] !== rakpStatus.ok || type === payloadType.openSessionRequest) return reply;
        return Uint8Array.of(...reply, ...new Uint8Array(bytes));
      },
    }),
  }),
];

function isNameOnly({ role }: UserLookup): boolean {
  return (role & 0x10) !== 0;
}

function onlySuite(id: number): FaultKind {
  return plainFault({
    name: `suite-${id}-only`,
    does: `accepts cipher suite ${id} only, if the node's BMC has it at all`,
    effects: () => ({ suites: (suites) => suites.filter((each) => each.id === id) }),
  });
}
