/** A session of a simulated BMC, from Open Session to its end. */
import type { CipherSuite, RakpFacts, SealedPackets } from "../../ipmi/crypto/index.js";
import { privilege } from "../../ipmi/wire/index.js";

/** Where a console's datagrams come from. */
export interface Peer {
  readonly address: string;
  readonly port: number;
}

/** How far behind the highest number seen a packet may be (IPMI v2.0 §6.12.13). */
const windowSize = 16;

export class BmcSession {
  readonly managedId: number;
  readonly consoleId: number;
  readonly suite: CipherSuite;
  /** Of the Open Session Request; 0 = the highest there is. */
  readonly askedPrivilege: number;
  /** Never above what Open Session, RAKP 1 and the user's own limit allow. */
  privilegeLimit: number;
  /** Where a session begins (§13.14); Set Session Privilege Level raises it. */
  privilege: number = privilege.user;
  peer: Peer;
  lastActiveMs: number;
  /** Known once RAKP 2 was sent. */
  rakp: RakpFacts | undefined;
  /** There once RAKP 4 was sent: the session is active. */
  sealed: SealedPackets | undefined;
  #outbound = 0;
  #highest = 0;
  #seen = new Set<number>();

  constructor(start: {
    managedId: number;
    consoleId: number;
    suite: CipherSuite;
    askedPrivilege: number;
    privilegeLimit: number;
    peer: Peer;
    lastActiveMs: number;
  }) {
    this.managedId = start.managedId;
    this.consoleId = start.consoleId;
    this.suite = start.suite;
    this.askedPrivilege = start.askedPrivilege;
    this.privilegeLimit = start.privilegeLimit;
    this.peer = start.peer;
    this.lastActiveMs = start.lastActiveMs;
  }

  /** True the first time a packet with this number comes, as long as it is not too old. */
  takeSequence(sequence: number): boolean {
    if (sequence <= this.#highest - windowSize || this.#seen.has(sequence)) return false;
    this.#seen.add(sequence);
    if (sequence > this.#highest) {
      this.#highest = sequence;
      for (const old of this.#seen) if (old <= sequence - windowSize) this.#seen.delete(old);
    }
    return true;
  }

  /** The datagram that carries `payload` to the console. Throws when the session is not active. */
  seal(payloadType: number, payload: Uint8Array): Uint8Array {
    if (this.sealed === undefined) throw new Error("a session without keys seals nothing");
    this.#outbound += 1;
    return this.sealed.seal({ payloadType, sessionId: this.consoleId, sequence: this.#outbound, payload });
  }
}
