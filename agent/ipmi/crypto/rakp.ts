/** The arithmetic of RAKP (IPMI v2.0 §13.20–13.25, §13.31–13.32), as pure functions, the formula first. */
import { createHmac, timingSafeEqual } from "node:crypto";
import { concatBytes } from "../wire/bytes.js";
import type { CipherSuite } from "./suites.js";

/** Everything both sides know after RAKP 2, in the words of the specification. */
export interface RakpFacts {
  /** SID_M: the console's session id. */
  readonly consoleSessionId: number;
  /** SID_C: the BMC's session id. */
  readonly managedSessionId: number;
  /** R_M, 16 bytes. */
  readonly consoleRandom: Uint8Array;
  /** R_C, 16 bytes. */
  readonly managedRandom: Uint8Array;
  /** GUID_C, 16 bytes. */
  readonly managedGuid: Uint8Array;
  /** Role_M: the role byte of RAKP 1 as sent, lookup bit included. */
  readonly role: number;
  /** UName_M. */
  readonly userName: Uint8Array;
}

export interface SessionKeys {
  /** Session integrity key: makes the others and the RAKP 4 check. */
  readonly sik: Uint8Array;
  /** Proves packets. */
  readonly k1: Uint8Array;
  /** Its first 16 bytes encrypt packets. */
  readonly k2: Uint8Array;
}

/** RAKP 2: HMAC_Kuid(SID_M, SID_C, R_M, R_C, GUID_C, Role_M, ULength_M, UName_M). */
export function rakp2Code(suite: CipherSuite, userKey: Uint8Array, facts: RakpFacts): Uint8Array {
  const { consoleSessionId, managedSessionId, consoleRandom, managedRandom, managedGuid } = facts;
  return hmac(suite, userKey, id(consoleSessionId), id(managedSessionId), consoleRandom, managedRandom, managedGuid, user(facts));
}

/** RAKP 3: HMAC_Kuid(R_C, SID_M, Role_M, ULength_M, UName_M). */
export function rakp3Code(suite: CipherSuite, userKey: Uint8Array, facts: RakpFacts): Uint8Array {
  return hmac(suite, userKey, facts.managedRandom, id(facts.consoleSessionId), user(facts));
}

/** SIK = HMAC_Kg(R_M, R_C, Role_M, ULength_M, UName_M), K1 = HMAC_SIK(01…), K2 = HMAC_SIK(02…). Without a K_g, the user's key stands for it. */
export function deriveSessionKeys(suite: CipherSuite, kg: Uint8Array | undefined, userKey: Uint8Array, facts: RakpFacts): SessionKeys {
  const sik = hmac(suite, kg ?? userKey, facts.consoleRandom, facts.managedRandom, user(facts));
  return { sik, k1: additionalKey(suite, sik, 1), k2: additionalKey(suite, sik, 2) };
}

/** RAKP 4: the first bytes of HMAC_SIK(R_M, SID_C, GUID_C). */
export function rakp4Check(suite: CipherSuite, sik: Uint8Array, facts: RakpFacts): Uint8Array {
  return hmac(suite, sik, facts.consoleRandom, id(facts.managedSessionId), facts.managedGuid).subarray(0, suite.checkLength);
}

/** Overwrites keys with zeros; they are useless afterwards. */
export function forgetKeys(keys: SessionKeys): void {
  for (const key of [keys.sik, keys.k1, keys.k2]) key.fill(0);
}

/** Compares secrets in time that tells nothing about where they differ. */
export function equalSecrets(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** The same for a code with bytes too many behind it, as some BMCs send: all of `expected` must be there. */
export function beginsWithSecret(code: Uint8Array, expected: Uint8Array): boolean {
  return code.length >= expected.length && timingSafeEqual(code.subarray(0, expected.length), expected);
}

function hmac(suite: CipherSuite, key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  return createHmac(suite.hash, key)
    .update(concatBytes(...parts))
    .digest();
}

/** The constants are 20 bytes for every hash: no implementation follows the "block size" of §13.32. */
function additionalKey(suite: CipherSuite, sik: Uint8Array, constant: number): Uint8Array {
  return hmac(suite, sik, new Uint8Array(20).fill(constant));
}

function id(sessionId: number): Uint8Array {
  return Uint8Array.of(sessionId, sessionId >>> 8, sessionId >>> 16, sessionId >>> 24);
}

function user(facts: RakpFacts): Uint8Array {
  return concatBytes(Uint8Array.of(facts.role, facts.userName.length), facts.userName);
}
