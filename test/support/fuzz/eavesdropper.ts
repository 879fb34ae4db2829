/** Listens to a login whose password it knows, and can then speak as either side: the attacker nobody can keep out, for tests. */
import * as crypto from "../../../agent/ipmi/crypto/index.js";
import * as wire from "../../../agent/ipmi/wire/index.js";

export interface OverheardSession {
  readonly consoleSessionId: number;
  readonly managedSessionId: number;
  readonly packets: crypto.SealedPackets;
  /** The highest session sequence number heard each way. */
  readonly heard: { toBmc: number; toClient: number };
}

export class Eavesdropper {
  readonly #userKey: Uint8Array;
  #suite: crypto.CipherSuite | undefined;
  #facts: Partial<crypto.RakpFacts> = {};
  /** The last session whose keys were agreed on. */
  session: OverheardSession | undefined;

  constructor(password: string) {
    this.#userKey = crypto.passwordKey(password);
  }

  /** A genuine datagram, before it is delivered. */
  hears(direction: "toBmc" | "toClient", bytes: Uint8Array): void {
    const datagram = wire.decodeDatagram(bytes);
    if (datagram.format !== "v2.0") return;
    const { payloadType, payload, sessionId, sequence } = datagram.packet;
    if (sessionId !== 0) {
      const { session } = this;
      const known = sessionId === session?.consoleSessionId || sessionId === session?.managedSessionId;
      if (session !== undefined && known) session.heard[direction] = Math.max(session.heard[direction], sequence);
    } else if (payloadType === wire.payloadType.openSessionReply) this.#opened(payload);
    else if (payloadType === wire.payloadType.rakp1) {
      const { consoleRandom, role, userName } = wire.decode(wire.rakp1, payload, "RAKP 1");
      this.#facts = { ...this.#facts, consoleRandom, role, userName };
    } else if (payloadType === wire.payloadType.rakp2) {
      const { body } = wire.decode(wire.rakp2, payload, "RAKP 2");
      if (body !== undefined) this.#facts = { ...this.#facts, managedRandom: body.managedRandom, managedGuid: body.managedGuid };
    } else if (payloadType === wire.payloadType.rakp4) this.#agreed();
  }

  #opened(payload: Uint8Array): void {
    const { body, consoleSessionId } = wire.decode(wire.openSessionReply, payload, "Open Session reply");
    if (body === undefined) return;
    this.#suite = crypto.suiteOfAlgorithms(body);
    this.#facts = { consoleSessionId, managedSessionId: body.managedSessionId };
  }

  #agreed(): void {
    const { consoleSessionId, managedSessionId, consoleRandom, managedRandom, managedGuid, role, userName } = this.#facts;
    const complete =
      consoleSessionId !== undefined &&
      managedSessionId !== undefined &&
      consoleRandom !== undefined &&
      managedRandom !== undefined &&
      managedGuid !== undefined &&
      role !== undefined &&
      userName !== undefined;
    if (!complete || this.#suite === undefined) return;
    const facts = { consoleSessionId, managedSessionId, consoleRandom, managedRandom, managedGuid, role, userName };
    const keys = crypto.deriveSessionKeys(this.#suite, undefined, this.#userKey, facts);
    const packets = crypto.createSealedPackets(this.#suite, keys, this.#userKey);
    this.session = { consoleSessionId, managedSessionId, packets, heard: { toBmc: 0, toClient: 0 } };
  }
}
