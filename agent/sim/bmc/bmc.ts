/**
 * A BMC, without its socket: datagrams in, datagrams out. What is not understood, not authentic or seen before is dropped without
 * a word, as real ones do.
 */
import type { Clock } from "../../../proto/base/clock.js";
import type { Logger } from "../../../proto/base/logger.js";
import { bmcKey, type CipherSuite, encodeUserName, passwordKey } from "../../ipmi/crypto/index.js";
import {
  authenticationType,
  type Datagram,
  decodeDatagram,
  decodeRequest,
  encodeReply,
  encodeSession15,
  encodeSession20,
  MalformedPacketError,
  payloadType,
  privilege,
} from "../../ipmi/wire/index.js";
import type { SerialPort } from "../machine/serial-port.js";
import { type Chassis, chassisCommands } from "./chassis-commands.js";
import { CommandTable } from "./command-table.js";
import { deviceCommands } from "./device-commands.js";
import { Login } from "./login.js";
import { pongFor } from "./rmcp-ping.js";
import type { BmcSession, Peer } from "./session.js";
import { sessionCommands } from "./session-commands.js";
import { Sessions } from "./sessions.js";
import { Sol } from "./sol.js";
import { SolParameters } from "./sol-parameters.js";

export interface BmcOptions {
  readonly user: string;
  readonly password: string;
  readonly kg?: string | undefined;
  readonly suites: readonly CipherSuite[];
  readonly sessionSlots: number;
  /** 16 bytes. */
  readonly guid: Uint8Array;
  /** The UDP port it is reached at. */
  readonly port: number;
  readonly baudRate: number;
  readonly chassis: Chassis;
  /** The serial port of the machine that SOL is wired to. */
  readonly serial: SerialPort;
  readonly clock: Clock;
  readonly log: Logger;
  readonly send: (datagram: Uint8Array, peer: Peer) => void;
}

export class Bmc {
  readonly #options: BmcOptions;
  readonly #sessions: Sessions;
  readonly #login: Login;
  readonly #sol: Sol;
  readonly #commands: CommandTable;

  constructor(options: BmcOptions) {
    const { clock, guid, suites, port, baudRate, serial, chassis } = options;
    const kg = bmcKey(options.kg);
    const user = { name: encodeUserName(options.user), key: passwordKey(options.password), privilegeLimit: privilege.administrator };
    const parameters = new SolParameters({ port, baudRate });
    this.#options = options;
    this.#sol = new Sol({ clock, parameters, serial, port, send: (session, payload) => this.#sendIn(session, payloadType.sol, payload) });
    this.#sessions = new Sessions({
      clock,
      capacity: options.sessionSlots,
      onClosed: (session) => this.#sol.sessionClosed(session),
    });
    this.#login = new Login({ sessions: this.#sessions, user, kg, guid, suites });
    this.#commands = new CommandTable([
      ...deviceCommands({ guid, suites, kgSet: kg !== undefined, sessions: this.#sessions }),
      ...sessionCommands(this.#sessions),
      ...chassisCommands(chassis),
      ...parameters.commands(),
      ...this.#sol.commands(),
    ]);
  }

  /** One datagram as it came. Never throws for what is in it. */
  receive(datagram: Uint8Array, peer: Peer): void {
    try {
      this.#receive(decodeDatagram(datagram), peer);
    } catch (error) {
      if (!(error instanceof MalformedPacketError)) throw error;
      this.#options.log.debug({ err: error, peer }, "datagram dropped");
    }
  }

  /** Ends every session. Idempotent. */
  close(): void {
    this.#sessions.closeAll();
  }

  #receive(datagram: Datagram, peer: Peer): void {
    switch (datagram.format) {
      case "asf": {
        const pong = pongFor(datagram.body);
        if (pong !== undefined) this.#options.send(pong, peer);
        return;
      }
      case "v1.5": {
        const { sessionId, payload } = datagram.packet;
        if (sessionId !== 0) return;
        const reply = this.#execute(payload, undefined);
        const wrapper = { authenticationType: authenticationType.none, sequence: 0, sessionId: 0, authCode: undefined };
        return this.#options.send(encodeSession15({ ...wrapper, payload: reply }), peer);
      }
      case "v2.0":
        if (datagram.packet.sessionId === 0) return this.#receiveOutside(datagram.packet, peer);
        return this.#receiveInside(datagram, peer);
    }
  }

  #receiveOutside(packet: { payloadType: number; payload: Uint8Array }, peer: Peer): void {
    const reply = (type: number, payload: Uint8Array | undefined) => {
      if (payload === undefined) return;
      const wrapper = { encrypted: false, authenticated: false, sessionId: 0, sequence: 0 };
      this.#options.send(encodeSession20({ ...wrapper, payloadType: type, payload }), peer);
    };
    switch (packet.payloadType) {
      case payloadType.ipmi:
        return reply(payloadType.ipmi, this.#execute(packet.payload, undefined));
      case payloadType.openSessionRequest:
        return reply(payloadType.openSessionReply, this.#login.openSession(packet.payload, peer));
      case payloadType.rakp1:
        return reply(payloadType.rakp2, this.#login.rakp1(packet.payload));
      case payloadType.rakp3:
        return reply(payloadType.rakp4, this.#login.rakp3(packet.payload));
    }
  }

  #receiveInside({ packet, body }: Extract<Datagram, { format: "v2.0" }>, peer: Peer): void {
    const session = this.#sessions.find(packet.sessionId);
    if (session?.sealed === undefined) return;
    const payload = session.sealed.open(packet, body);
    if (!session.takeSequence(packet.sequence)) return;
    this.#sessions.touch(session, peer);
    if (packet.payloadType === payloadType.sol) return this.#sol.receive(session, payload);
    if (packet.payloadType !== payloadType.ipmi) return;
    this.#sendIn(session, payloadType.ipmi, this.#execute(payload, session));
  }

  #execute(payload: Uint8Array, session: BmcSession | undefined): Uint8Array {
    return encodeReply(this.#commands.answer(decodeRequest(payload), session));
  }

  #sendIn(session: BmcSession, type: number, payload: Uint8Array): void {
    this.#options.send(session.seal(type, payload), session.peer);
  }
}
