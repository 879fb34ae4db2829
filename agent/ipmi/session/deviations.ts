/**
 * Ways a BMC computes its half of the handshake that are known and not the specification's. What does not fit is tried against each
 * of them here, with the key we have: that costs no login, and a code that fits one proves that the BMC knows the password all the same.
 */
import { beginsWithSecret, padUserName, rakp2Code, type CipherSuite, type RakpFacts } from "../crypto/index.js";
import type { Quirk } from "../quirks.js";
import { describeRakpStatus, rakpStatus } from "../wire/index.js";

/** A workaround found out, and what gave the device away. */
export interface Deviation {
  readonly name: Quirk;
  readonly symptom: string;
}

interface UserKeys {
  readonly userKey: Uint8Array;
  readonly cutUserKey: Uint8Array;
}

const nameOnlyLookupBit = 0x10;

/** The workaround under which RAKP 2's code would fit; undefined when none does, as with a wrong password. */
export function explainRakp2(suite: CipherSuite, keys: UserKeys, facts: RakpFacts, authCode: Uint8Array): Deviation | undefined {
  const padded = { ...facts, userName: padUserName(facts.userName) };
  const withPrivilege = { ...facts, role: facts.role & ~nameOnlyLookupBit };
  const fits = (key: Uint8Array, variant: RakpFacts) => beginsWithSecret(authCode, rakp2Code(suite, key, variant));
  if (fits(keys.userKey, withPrivilege)) {
    return { name: "privlookup", symptom: "RAKP 2 was computed without the bit that asks for name-only lookup" };
  }
  const names = [facts, padded, withPrivilege, { ...withPrivilege, userName: padded.userName }];
  if (names.some((variant) => fits(keys.userKey, variant))) {
    return { name: "intel20", symptom: "RAKP 2 was computed with the user name filled to 16 bytes" };
  }
  // Only there: elsewhere half a password would do where a whole one is set.
  if (suite.hash === "md5" && names.some((variant) => fits(keys.cutUserKey, variant))) {
    return { name: "intel20", symptom: "RAKP 2 was computed with the first 16 bytes of the password" };
  }
  return undefined;
}

/** A code longer than its suite has; its first bytes have been found right. */
export function surplus(message: string, expectedLength: number, code: Uint8Array): readonly Deviation[] {
  const bytes = code.length - expectedLength;
  if (bytes <= 0) return [];
  const symptom = `the code of ${message} is ${bytes} byte${bytes === 1 ? "" : "s"} too long`;
  return [{ name: bytes === 1 ? "supermicro20" : "sun20", symptom }];
}

/** What may be tried once more after a refusal: another workaround, or the same again because a message or the BMC's sight of us was lost. */
export type Remedy = { readonly kind: "quirk"; readonly deviation: Deviation } | { readonly kind: "again" };

interface Tried {
  readonly nameOnlyLookup: boolean;
  readonly userName: Uint8Array;
}

/** For a status of RAKP 2. Only refusals from before any password is proved have one, so that nobody's account is locked by trying. */
export function remedyOfRakp2(tried: Tried, status: number): Remedy | undefined {
  const symptom = `RAKP 1 was refused with ${describeRakpStatus(status)} until it was put like this`;
  const quirk = (name: Quirk): Remedy => ({ kind: "quirk", deviation: { name, symptom } });
  const padded = padUserName(tried.userName).length === tried.userName.length;
  if (status === rakpStatus.unauthorizedName && tried.nameOnlyLookup) return quirk("privlookup");
  if ((status === rakpStatus.unauthorizedName || status === rakpStatus.invalidNameLength) && !padded) return quirk("intel20");
  return remedyOfLostLogin(status);
}

/** The BMC has given our half-open session to somebody else, has just restarted, or our proof reached it damaged. */
export function remedyOfLostLogin(status: number): Remedy | undefined {
  return lostLogin.has(status) ? { kind: "again" } : undefined;
}

const lostLogin: ReadonlySet<number> = new Set([
  rakpStatus.invalidSessionId,
  rakpStatus.inactiveSessionId,
  rakpStatus.invalidIntegrityCheck,
]);
