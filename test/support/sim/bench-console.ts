/** A remote console made of the codecs alone, one datagram at a time: no retries, no time. */
import type { Command } from "../../../agent/ipmi/command/index.js";
import {
  cipherSuites,
  type CipherSuite,
  createSealedPackets,
  deriveSessionKeys,
  passwordKey,
  rakp3Code,
  type RakpFacts,
  type SealedPackets,
} from "../../../agent/ipmi/crypto/index.js";
import {
  bmcAddress,
  consoleAddress,
  decode,
  decodeDatagram,
  decodeReply,
  encode,
  encodeRequest,
  encodeSession20,
  openSessionReply,
  openSessionRequest,
  payloadType,
  privilege,
  rakp1,
  rakp2,
  rakp3,
  rakp4,
  type ReplyMessage,
} from "../../../agent/ipmi/wire/index.js";

export const consolePassword = "secret";

/** Hands the BMC one datagram and returns what it sends back. */
export type Exchange = (datagram: Uint8Array) => Uint8Array[];

/** A request message for a BMC. */
export function request<Request>(command: Command<Request, unknown>, data: Request, sequence = 1): Uint8Array {
  return encodeRequest({
    responderAddress: bmcAddress,
    requesterAddress: consoleAddress,
    netFn: command.netFn,
    lun: 0,
    sequence,
    command: command.cmd,
    data: encode(command.request, data),
  });
}

/** Sends a handshake payload and returns the payload of the only answer; undefined when there is none. */
export function handshake(exchange: Exchange, type: number, payload: Uint8Array): Uint8Array | undefined {
  const wrapper = { encrypted: false, authenticated: false, sessionId: 0, sequence: 0 };
  const [datagram] = exchange(encodeSession20({ ...wrapper, payloadType: type, payload }));
  if (datagram === undefined) return undefined;
  const answer = decodeDatagram(datagram);
  return answer.format === "v2.0" ? answer.packet.payload : undefined;
}

export function openSession(exchange: Exchange, suite: CipherSuite, consoleSessionId: number) {
  const { authentication, integrity, confidentiality } = suite;
  const asked = { tag: 1, maximumPrivilege: 0, consoleSessionId, authentication, integrity, confidentiality };
  const reply = handshake(exchange, payloadType.openSessionRequest, encode(openSessionRequest, asked)) ?? new Uint8Array();
  return decode(openSessionReply, reply, "reply");
}

export class BenchConsole {
  readonly managedId: number;
  readonly consoleId: number;
  readonly #sealed: SealedPackets;
  readonly #exchange: Exchange;
  #sequence = 0;

  constructor(exchange: Exchange, consoleId: number, managedId: number, sealed: SealedPackets) {
    this.#exchange = exchange;
    this.consoleId = consoleId;
    this.managedId = managedId;
    this.#sealed = sealed;
  }

  seal(type: number, payload: Uint8Array): Uint8Array {
    this.#sequence += 1;
    return this.#sealed.seal({ payloadType: type, sessionId: this.managedId, sequence: this.#sequence, payload });
  }

  open(datagram: Uint8Array | undefined): { payloadType: number; payload: Uint8Array } | undefined {
    if (datagram === undefined) return undefined;
    const answer = decodeDatagram(datagram);
    if (answer.format !== "v2.0" || answer.packet.sessionId !== this.consoleId) return undefined;
    return { payloadType: answer.packet.payloadType, payload: this.#sealed.open(answer.packet, answer.body) };
  }

  ask<Request>(command: Command<Request, unknown>, data: Request): ReplyMessage | undefined {
    const answers = this.#exchange(this.seal(payloadType.ipmi, request(command, data))).map((each) => this.open(each));
    const reply = answers.find((each) => each?.payloadType === payloadType.ipmi);
    return reply === undefined ? undefined : decodeReply(reply.payload);
  }
}

/** A whole handshake, with the password of the bench. */
export function logIn(exchange: Exchange, options: { suite?: CipherSuite; consoleId?: number; level?: number } = {}): BenchConsole {
  const { suite = cipherSuites[17], consoleId = 0xa0a0a0a0, level = privilege.administrator } = options;
  const opened = openSession(exchange, suite, consoleId);
  const managedId = opened.body?.managedSessionId ?? 0;
  const facts = beginRakp(exchange, { managedId, consoleId, userName: "admin", role: 0x10 | level });
  const userKey = passwordKey(consolePassword);
  const proof = { tag: 2, status: 0, managedSessionId: managedId, body: { authCode: rakp3Code(suite, userKey, facts) } };
  const reply = decode(rakp4, handshake(exchange, payloadType.rakp3, encode(rakp3, proof)) ?? new Uint8Array(), "RAKP 4");
  if (reply.status !== 0) throw new Error(`RAKP 4 status ${reply.status}`);
  return new BenchConsole(
    exchange,
    consoleId,
    managedId,
    createSealedPackets(suite, deriveSessionKeys(suite, undefined, userKey, facts), userKey),
  );
}

/** RAKP 1 and 2. Throws when the BMC refuses. */
export function beginRakp(exchange: Exchange, who: { managedId: number; consoleId: number; userName: string; role: number }): RakpFacts {
  const consoleRandom = new Uint8Array(16).fill(3);
  const userName = Buffer.from(who.userName);
  const first = { tag: 1, managedSessionId: who.managedId, consoleRandom, role: who.role, userName };
  const reply = decode(rakp2, handshake(exchange, payloadType.rakp1, encode(rakp1, first)) ?? new Uint8Array(), "RAKP 2");
  if (reply.body === undefined) throw new Error(`RAKP 2 status ${reply.status}`);
  return {
    consoleSessionId: who.consoleId,
    managedSessionId: who.managedId,
    consoleRandom,
    managedRandom: reply.body.managedRandom,
    managedGuid: reply.body.managedGuid,
    role: who.role,
    userName,
  };
}
