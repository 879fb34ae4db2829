/** A BMC in memory, behind the Transport interface: a real handshake, real sealed packets, and faults with names. */
import type { Remote, Route, RouteListener, Transport } from "../../../agent/ipmi/index.js";
import * as commands from "../../../agent/ipmi/command/index.js";
import * as crypto from "../../../agent/ipmi/crypto/index.js";
import * as wire from "../../../agent/ipmi/wire/index.js";

export interface DoubleSettings {
  readonly password?: string;
  readonly kg?: string;
  readonly suites?: readonly number[];
  readonly deviations?: Deviations;
}

/** How it differs from the specification. */
export interface Deviations {
  /** How a suite it does not have is refused; default 0x11. */
  readonly refusal?: number | "silence" | "another suite";
  /** What it says of its suites; default nothing, as BMCs that stall. */
  readonly suiteRecords?: Uint8Array;
  /** No answer to Get Channel Authentication Capabilities. */
  readonly noCapabilities?: boolean;
  /** Status of RAKP 2, 0 = go on. */
  readonly judge?: (rakp1: wire.Rakp1) => number;
  /** What it computes its codes and keys with. */
  readonly facts?: (facts: crypto.RakpFacts) => crypto.RakpFacts;
  readonly userKey?: (key: Uint8Array) => Uint8Array;
  /** What it makes of the codes of RAKP 2 and 4 it sends. */
  readonly code?: (code: Uint8Array) => Uint8Array;
  /** Its replies have wrong checksums. */
  readonly wrongChecksums?: boolean;
  /** So many sessions; further ones are refused with 0x01. */
  readonly slots?: number;
}

type Answer = { readonly code: number; readonly data?: Uint8Array } | undefined;

interface Served {
  readonly suite: crypto.CipherSuite;
  readonly packets: crypto.SealedPackets;
  readonly consoleSessionId: number;
  readonly managedSessionId: number;
  sequence: number;
  readonly listener: RouteListener;
}

const guid = new Uint8Array(16).fill(0x6d);
const managedRandom = new Uint8Array(16).fill(0x52);

export class BmcDouble implements Transport {
  /** What arrived, by name, copies included. */
  readonly seen: string[] = [];
  readonly solSeen: wire.SolPacket[] = [];
  readonly #settings: DoubleSettings;
  #userKey: Uint8Array;
  readonly #answers = new Map<string, (data: Uint8Array) => Answer>();
  readonly #drops: { readonly name: string; left: number }[] = [];
  #sessions = new Map<number, Served>();
  #half: { facts: crypto.RakpFacts; suite: crypto.CipherSuite; tag: number } | undefined;
  #nextSession = 0x100;
  #silent = false;
  #routes = 0;

  constructor(settings: DoubleSettings = {}) {
    this.#settings = settings;
    const key = crypto.passwordKey(settings.password ?? "secret");
    this.#userKey = settings.deviations?.userKey?.(key) ?? key;
    this.answer(commands.setSessionPrivilegeLevel, (data) => ({ code: 0, data }));
    this.answer(commands.closeSession, () => ({ code: 0 }));
    this.answer(commands.getDeviceId, () => ({ code: 0, data: new Uint8Array(11) }));
  }

  /** How a command is answered; undefined = not at all. */
  answer(command: { readonly name: string }, reply: (data: Uint8Array) => Answer): void {
    this.#answers.set(command.name, reply);
  }

  /** Somebody sets another password at the BMC. */
  setPassword(password: string): void {
    this.#userKey = crypto.passwordKey(password);
  }

  /** The next `count` messages of this name never arrive. */
  drop(name: string, count: number): void {
    this.#drops.push({ name, left: count });
  }

  /** Nothing arrives any more, or again. */
  silence(on: boolean): void {
    this.#silent = on;
  }

  /** Forgets every session, as after a reset of its firmware. */
  reboot(): void {
    this.#sessions = new Map();
  }

  get openSessions(): number {
    return this.#sessions.size;
  }

  /** The BMC's id of the session opened last; the first is 0x100. */
  get lastSessionId(): number {
    return this.#nextSession - 1;
  }

  count(name: string): number {
    return this.seen.filter((each) => each === name).length;
  }

  /** Sends a SOL packet on every session. */
  sendSol(packet: wire.SolPacket): void {
    for (const session of this.#sessions.values()) this.#seal(session, wire.payloadType.sol, wire.encodeSol(packet));
  }

  /** Routes opened so far: each is another UDP port. */
  get routes(): number {
    return this.#routes;
  }

  async open(_remote: Remote, listener: RouteListener): Promise<Route> {
    let open = true;
    this.#routes += 1;
    const toConsole: RouteListener = {
      received: (bytes) => queueMicrotask(() => open && listener.received(bytes)),
      sendFailed: () => undefined,
    };
    return { send: (datagram) => open && this.#received(datagram, toConsole), close: () => (open = false) };
  }

  async close(): Promise<void> {}

  #received(bytes: Uint8Array, listener: RouteListener): void {
    const datagram = wire.decodeDatagram(bytes);
    if (datagram.format === "v1.5") return this.#capabilities(datagram.packet.payload, listener);
    if (datagram.format !== "v2.0") return;
    const { packet, body } = datagram;
    const setup = {
      [wire.payloadType.openSessionRequest]: "Open Session",
      [wire.payloadType.rakp1]: "RAKP 1",
      [wire.payloadType.rakp3]: "RAKP 3",
    };
    const name = setup[packet.payloadType as keyof typeof setup];
    if (name !== undefined) return this.#arrives(name) ? this.#handshake(packet, listener) : undefined;
    const session = this.#sessions.get(packet.sessionId);
    if (session === undefined) return;
    const payload = session.packets.open(packet, body);
    if (packet.payloadType === wire.payloadType.sol) {
      if (this.#arrives("SOL")) this.solSeen.push({ ...wire.decodeSol(payload), data: wire.decodeSol(payload).data.slice() });
    } else this.#command(session, wire.decodeRequest(payload));
  }

  #arrives(name: string): boolean {
    this.seen.push(name);
    const dropped = this.#drops.find((each) => each.name === name && each.left > 0);
    if (dropped !== undefined) dropped.left -= 1;
    return dropped === undefined && !this.#silent;
  }

  #capabilities(payload: Uint8Array, listener: RouteListener): void {
    const { name, reply, cmd } = commands.getChannelAuthenticationCapabilities;
    const { command } = wire.decodeRequest(payload);
    if (command === commands.getChannelCipherSuites.cmd) return this.#suiteList(payload, listener);
    if (command !== cmd) return;
    if (!this.#arrives(name) || this.#settings.deviations?.noCapabilities === true) return;
    const data = wire.encode(reply, wire.decode(reply, Uint8Array.of(1, 0x80, 4, 2, 0, 0, 0, 0), name));
    const answer = wire.encodeReply(wire.replyTo(wire.decodeRequest(payload), 0, data));
    if (this.#settings.deviations?.wrongChecksums === true) answer[answer.length - 1] = (answer.at(-1) ?? 0) ^ 0x55;
    listener.received(wire.encodeSession15({ authenticationType: 0, sequence: 0, sessionId: 0, authCode: undefined, payload: answer }));
  }

  #suiteList(payload: Uint8Array, listener: RouteListener): void {
    const { name, request: layout } = commands.getChannelCipherSuites;
    const { suiteRecords } = this.#settings.deviations ?? {};
    if (!this.#arrives(name) || suiteRecords === undefined) return;
    const request = wire.decodeRequest(payload);
    const { list } = wire.decode(layout, request.data, name);
    const data = Buffer.concat([Uint8Array.of(1), suiteRecords.subarray(list.index * 16, list.index * 16 + 16)]);
    const answer = wire.encodeReply(wire.replyTo(request, 0, data));
    const packet = { payloadType: wire.payloadType.ipmi, encrypted: false, authenticated: false, sessionId: 0, sequence: 0 };
    listener.received(wire.encodeSession20({ ...packet, payload: answer }));
  }

  #handshake({ payloadType, payload }: wire.Session20Packet, listener: RouteListener): void {
    const send = (type: number, bytes: Uint8Array) =>
      listener.received(
        wire.encodeSession20({ payloadType: type, encrypted: false, authenticated: false, sessionId: 0, sequence: 0, payload: bytes }),
      );
    if (payloadType === wire.payloadType.openSessionRequest) {
      const request = wire.decode(wire.openSessionRequest, payload, "Open Session");
      const { tag, consoleSessionId } = request;
      const suite = crypto.suiteOfAlgorithms(request);
      const { refusal = wire.rakpStatus.noCipherSuiteMatch, slots = Number.POSITIVE_INFINITY } = this.#settings.deviations ?? {};
      const known = suite !== undefined && (this.#settings.suites ?? [17, 3]).includes(suite.id);
      const room = this.#sessions.size < slots;
      if (!known && refusal === "silence") return;
      const status = known ? (room ? 0 : wire.rakpStatus.noResources) : refusal === "another suite" ? 0 : Number(refusal);
      const head = { tag, status, maximumPrivilege: request.maximumPrivilege, consoleSessionId };
      if (status !== 0) return send(wire.payloadType.openSessionReply, wire.encode(wire.openSessionReply, { ...head, body: undefined }));
      const managedSessionId = this.#nextSession++;
      const empty = new Uint8Array(16);
      this.#half = {
        tag,
        suite: suite ?? crypto.cipherSuites[8],
        facts: { consoleSessionId, managedSessionId, consoleRandom: empty, managedRandom, managedGuid: guid, role: 0, userName: empty },
      };
      const { authentication, integrity, confidentiality } = known ? request : crypto.cipherSuites[8];
      const body = { managedSessionId, authentication, integrity, confidentiality };
      return send(wire.payloadType.openSessionReply, wire.encode(wire.openSessionReply, { ...head, body }));
    }
    const half = this.#half;
    if (half === undefined) return;
    const { suite } = half;
    const { deviations = {} } = this.#settings;
    const altered = (code: Uint8Array) => deviations.code?.(code) ?? code;
    if (payloadType === wire.payloadType.rakp1) {
      const rakp1 = wire.decode(wire.rakp1, payload, "RAKP 1");
      const { tag, consoleRandom, role, userName } = rakp1;
      const { consoleSessionId } = half.facts;
      const status = deviations.judge?.(rakp1) ?? 0;
      if (status !== 0) return send(wire.payloadType.rakp2, wire.encode(wire.rakp2, { tag, status, consoleSessionId, body: undefined }));
      half.facts = { ...half.facts, consoleRandom, role, userName };
      half.facts = deviations.facts?.(half.facts) ?? half.facts;
      const authCode = altered(crypto.rakp2Code(suite, this.#userKey, half.facts));
      const body = { managedRandom, managedGuid: guid, authCode };
      return send(wire.payloadType.rakp2, wire.encode(wire.rakp2, { tag, status: 0, consoleSessionId, body }));
    }
    const { tag, status, body } = wire.decode(wire.rakp3, payload, "RAKP 3");
    this.#half = undefined;
    if (status !== 0 || body === undefined) return void this.seen.push(`gave up: ${status}`);
    const { consoleSessionId, managedSessionId } = half.facts;
    if (!crypto.equalSecrets(body.authCode, crypto.rakp3Code(suite, this.#userKey, half.facts))) {
      const refusal = { tag, status: wire.rakpStatus.invalidIntegrityCheck, consoleSessionId, body: undefined };
      return send(wire.payloadType.rakp4, wire.encode(wire.rakp4, refusal));
    }
    const keys = crypto.deriveSessionKeys(suite, crypto.bmcKey(this.#settings.kg), this.#userKey, half.facts);
    const packets = crypto.createSealedPackets(suite, keys, this.#userKey);
    this.#sessions.set(managedSessionId, { suite, packets, consoleSessionId, managedSessionId, sequence: 0, listener });
    const integrityCheck = altered(crypto.rakp4Check(suite, keys.sik, half.facts));
    if (!this.#arrives("RAKP 4")) return;
    send(wire.payloadType.rakp4, wire.encode(wire.rakp4, { tag, status: 0, consoleSessionId, body: { integrityCheck } }));
  }

  #command(session: Served, request: wire.RequestMessage): void {
    const command = Object.values(commands).find(
      (each) => typeof each === "object" && "cmd" in each && each.netFn === request.netFn && each.cmd === request.command,
    ) as { readonly name: string } | undefined;
    const name = command?.name ?? "unknown";
    if (!this.#arrives(name)) return;
    const answer = this.#answers.get(name);
    const result = answer === undefined ? { code: wire.completionCode.invalidCommand } : answer(request.data.slice());
    if (result === undefined) return;
    const reply = wire.encodeReply(wire.replyTo(request, result.code, result.data));
    if (this.#settings.deviations?.wrongChecksums === true) reply[reply.length - 1] = (reply.at(-1) ?? 0) ^ 0x55;
    this.#seal(session, wire.payloadType.ipmi, reply);
    if (name === commands.closeSession.name) this.#sessions.delete(session.managedSessionId);
  }

  #seal(session: Served, payloadType: number, payload: Uint8Array): void {
    session.sequence += 1;
    const { consoleSessionId: sessionId, sequence } = session;
    session.listener.received(session.packets.seal({ payloadType, sessionId, sequence, payload }));
  }
}
