/** What a session may ask about itself and the others. */
import { closeSession, getSessionInfo, setSessionPrivilegeLevel } from "../../ipmi/command/index.js";
import { completionCode, privilege } from "../../ipmi/wire/index.js";
import { answers, type CommandEntry, refuse } from "./command-table.js";
import { lanChannel } from "./device-commands.js";
import type { BmcSession } from "./session.js";
import type { Sessions } from "./sessions.js";
import { userId } from "./user-commands.js";

const noSuchSession = 0x87;
const privilegeAboveLimit = 0x81;

export function sessionCommands(sessions: Sessions): readonly CommandEntry[] {
  return [
    answers(setSessionPrivilegeLevel, "callback", ({ privilege: asked }, session) => {
      if (session === undefined) return refuse(completionCode.insufficientPrivilege);
      if (asked > session.privilegeLimit || asked === privilege.callback) return refuse(privilegeAboveLimit);
      if (asked !== privilege.highest) session.privilege = asked;
      return { privilege: session.privilege };
    }),
    answers(closeSession, "callback", ({ sessionId }, asking) => {
      const session = sessions.find(sessionId);
      if (session === undefined) return refuse(noSuchSession);
      if (session !== asking && asking?.privilege !== privilege.administrator) return refuse(completionCode.insufficientPrivilege);
      sessions.close(session);
      return {};
    }),
    answers(getSessionInfo, "user", ({ index, idOrHandle }, asking) => {
      const active = sessions.active;
      const session = findSession(active, index, idOrHandle, asking);
      const counts = { possibleSessions: sessions.capacity, activeSessions: active.length };
      if (session === undefined) return { ...counts, handle: 0, session: undefined };
      return {
        ...counts,
        handle: active.indexOf(session) + 1,
        session: {
          userId,
          privilege: session.privilege,
          channel: { protocol: 1, number: lanChannel }, // 1: IPMI v2.0/RMCP+
          consoleAddress: Uint8Array.from(session.peer.address.split(".").map(Number)),
          consoleMac: new Uint8Array(6),
          consolePort: Uint8Array.of(session.peer.port, session.peer.port >> 8),
        },
      };
    }),
  ];
}

/** Index 0 = who asks, 0xFE = by handle, 0xFF = by id, else the n-th active session (§22.20). */
function findSession(
  active: readonly BmcSession[],
  index: number,
  idOrHandle: Uint8Array,
  asking: BmcSession | undefined,
): BmcSession | undefined {
  if (index === 0) return asking;
  if (index === 0xfe) return active[(idOrHandle[0] ?? 0) - 1];
  if (index < 0xfe) return active[index - 1];
  const id = idOrHandle.length < 4 ? 0 : Buffer.from(idOrHandle).readUInt32LE(0);
  return active.find((session) => session.managedId === id);
}
