/** Who may log in, and by which channel: one user, an anonymous one that may not, and empty slots. Read only. */
import { channelAccessMode, getChannelAccess, getUserAccess, getUserName, noAccess, userStatus } from "../../ipmi/command/index.js";
import { completionCode, privilege } from "../../ipmi/wire/index.js";
import { answers, type CommandEntry, refuse } from "./command-table.js";
import { isLanChannel } from "./device-commands.js";
import type { BmcUser } from "./login.js";

/** The one user's number. 1 is reserved for the anonymous user. */
export const userId = 2;
const userSlots = 10;
const nameBytes = 16;

export function userCommands(user: BmcUser): readonly CommandEntry[] {
  const isSlot = (id: number) => id >= 1 && id <= userSlots;
  return [
    answers(getUserAccess, "operator", ({ channel, user: { id } }) => {
      if (!isLanChannel(channel.number)) return refuse(completionCode.invalidDataField);
      if (!isSlot(id)) return refuse(completionCode.parameterOutOfRange);
      const known = id === userId;
      return {
        slots: { count: userSlots },
        enabled: { status: known ? userStatus.enabled : userStatus.disabled, count: 1 },
        fixedNames: { count: 1 },
        access: {
          callbackOnly: false,
          linkAuthentication: false,
          messaging: known,
          privilege: known ? user.privilegeLimit : noAccess,
        },
      };
    }),
    answers(getUserName, "operator", ({ user: { id } }) => {
      if (!isSlot(id)) return refuse(completionCode.parameterOutOfRange);
      const name = new Uint8Array(nameBytes);
      if (id === userId) name.set(user.name);
      return { name };
    }),
    answers(getChannelAccess, "user", ({ channel }) =>
      isLanChannel(channel.number)
        ? {
            access: { alertingDisabled: true, perMessageDisabled: false, userLevelDisabled: false, mode: channelAccessMode.always },
            limit: { privilege: privilege.administrator },
          }
        : refuse(completionCode.invalidDataField),
    ),
  ];
}
