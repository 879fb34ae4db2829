/** Who may log in over the channel we came by (IPMI v2.0 §22.27, §22.29). */
import { completionOf } from "../completion.js";
import { type Carrier, getUserAccess, getUserName, noAccess, type ReplyOf, thisChannel, userStatus } from "../command/index.js";
import { latinText } from "../sensors/index.js";
import { privilege } from "../wire/index.js";

interface Signal {
  readonly signal?: AbortSignal | undefined;
}

export interface User {
  /** From 1. */
  readonly id: number;
  /** "" = the anonymous user. */
  readonly name: string;
  /** "user", "operator", "administrator", "no access"… */
  readonly privilege: string;
  /** May log in by this channel. */
  readonly enabled: boolean;
}

const thisOne = { number: thisChannel };

/** Slots that are in use: those with a name, and whoever may log in without one. */
export async function readUsers(bmc: Carrier, options?: Signal): Promise<readonly User[]> {
  const users: User[] = [];
  for (let id = 1, slots = 1; id <= slots; id += 1) {
    const reply = await bmc.send(getUserAccess, { channel: thisOne, user: { id } }, options);
    slots = reply.slots.count;
    const name = await userName(bmc, id, options);
    const enabled = mayLogIn(reply);
    if (name !== "" || enabled) users.push({ id, name, privilege: privilegeText(reply.access.privilege), enabled });
  }
  return users;
}

export function privilegeText(code: number): string {
  if (code === noAccess) return "no access";
  return Object.entries(privilege).find(([, value]) => value === code)?.[0] ?? `privilege ${code}`;
}

function mayLogIn({ access, enabled }: ReplyOf<typeof getUserAccess>): boolean {
  return access.messaging && access.privilege !== noAccess && access.privilege !== 0 && enabled.status !== userStatus.disabled;
}

/** A slot that was never used has no name to tell, which some BMCs call an error. */
async function userName(bmc: Carrier, id: number, options?: Signal): Promise<string> {
  try {
    return latinText((await bmc.send(getUserName, { user: { id } }, options)).name);
  } catch (error) {
    if (completionOf(error) === undefined) throw error;
    return "";
  }
}
