/** What may be about to go wrong with a BMC: its clock, its sessions. */
import { type Carrier, getSelTime, getSessionInfo } from "../command/index.js";
import { timeMs } from "../event-log/index.js";

interface Signal {
  readonly signal?: AbortSignal | undefined;
}

/** Milliseconds since the Unix epoch; 0 = not set since its start (IPMI v2.0 §31.10, §37.1). */
export async function readClock(bmc: Carrier, options?: Signal): Promise<number> {
  return timeMs((await bmc.send(getSelTime, {}, options)).seconds);
}

/** Sessions in use, ours among them, and how many there can be (§22.20). */
export async function readSessions(bmc: Carrier, options?: Signal): Promise<{ readonly active: number; readonly possible: number }> {
  const { activeSessions, possibleSessions } = await bmc.send(getSessionInfo, { index: 0, idOrHandle: new Uint8Array(0) }, options);
  return { active: activeSessions & 0x3f, possible: possibleSessions & 0x3f };
}
