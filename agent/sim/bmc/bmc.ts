/**
 * A BMC, without its socket: datagrams in, datagrams out. What is not understood, not authentic or seen before is dropped without
 * a word, as real ones do.
 */
import type { Clock, Timer } from "../../../proto/base/clock.js";
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
import { BootOptions } from "./boot-options.js";
import { type Chassis, chassisCommands } from "./chassis-commands.js";
import { CommandTable } from "./command-table.js";
import { deviceCommands } from "./device-commands.js";
import { EventLog } from "./event-log.js";
import { ActiveFaults, type Fault } from "./faults/index.js";
import { IdentifyLight } from "./identify-light.js";
import { Login } from "./login.js";
import { pongFor } from "./rmcp-ping.js";
import type { BmcSession, Peer } from "./session.js";
import { sessionCommands } from "./session-commands.js";
import { sensorCommands } from "./sensor-commands.js";
import { Sessions } from "./sessions.js";
import { Sol } from "./sol.js";
import { SolParameters } from "./sol-parameters.js";
import { userCommands } from "./user-commands.js";

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
  /** Faults it has from the start. */
  readonly faults?: readonly Fault[];
  /** What the chance in its faults is decided by. */
  readonly faultSeed?: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly send: (datagram: Uint8Array, peer: Peer) => void;
}

export class Bmc {
  /** What is wrong with it at the moment. */
  readonly faults: ActiveFaults;
  readonly #options: BmcOptions;
  /** What the machine's firmware reads when it starts. */
  readonly bootOptions = new BootOptions();
  readonly #sessions: Sessions;
  readonly #login: Login;
  readonly #sol: Sol;
  readonly #commands: CommandTable;
  readonly #light: IdentifyLight;
  readonly #unwatch: (() => void) | undefined;
  /** What will still happen: late datagrams, late answers, a late chassis. */
  readonly #timers = new Set<Timer>();

  constructor(options: BmcOptions) {
    const { clock, guid, suites, port, baudRate, serial } = options;
    const kg = bmcKey(options.kg);
    const user = { name: encodeUserName(options.user), key: passwordKey(options.password), privilegeLimit: privilege.administrator };
    const parameters = new SolParameters({ port, baudRate });
    this.#options = options;
    const bmc = {
      forgetSessions: () => this.#sessions.closeAll(),
      takeSol: (holder: number | undefined, how: { notice: boolean }) => this.#sol.take(holder, how),
    };
    this.faults = new ActiveFaults(bmc, clock, options.faultSeed ?? "");
    const { faults } = this;
    this.#sol = new Sol({
      clock,
      parameters,
      serial,
      port,
      faults,
      send: (session, payload) => this.#sendIn(session, payloadType.sol, payload),
    });
    this.#sessions = new Sessions({
      clock,
      capacity: () => faults.sessionSlots(options.sessionSlots),
      onClosed: (session) => this.#sol.sessionClosed(session),
    });
    this.#login = new Login({ sessions: this.#sessions, user, kg, guid, suites, faults });
    this.#light = new IdentifyLight(clock);
    const eventLog = new EventLog(clock);
    this.#unwatch = options.chassis.watch?.((event) => eventLog.machine(event));
    this.#commands = new CommandTable([
      ...deviceCommands({ guid, suites: () => faults.suites(suites), kgSet: kg !== undefined, sessions: this.#sessions }),
      ...sessionCommands(this.#sessions),
      ...chassisCommands(this.#chassis(), { light: this.#light, eventLog }),
      ...this.bootOptions.commands(),
      ...this.#light.commands(),
      ...eventLog.commands(),
      ...sensorCommands(options.chassis),
      ...userCommands(user),
      ...parameters.commands(),
      ...this.#sol.commands(),
    ]);
    for (const fault of options.faults ?? []) faults.begin(fault);
  }

  /** One datagram as it came. Never throws for what is in it. */
  receive(datagram: Uint8Array, peer: Peer): void {
    for (const passage of this.faults.passages(datagram)) this.#after(passage.afterMs, () => this.#arrive(passage.datagram, peer));
  }

  #arrive(datagram: Uint8Array, peer: Peer): void {
    try {
      this.#receive(decodeDatagram(datagram), peer);
    } catch (error) {
      if (!(error instanceof MalformedPacketError)) throw error;
      this.#options.log.debug({ err: error, peer }, "datagram dropped");
    }
  }

  /** Ends every session. Idempotent. */
  close(): void {
    this.faults.heal();
    this.#light.out();
    this.#unwatch?.();
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#sessions.closeAll();
  }

  #receive(datagram: Datagram, peer: Peer): void {
    switch (datagram.format) {
      case "asf": {
        const pong = pongFor(datagram.body);
        if (pong !== undefined) this.#transmit(pong, peer);
        return;
      }
      case "v1.5": {
        const { sessionId, payload } = datagram.packet;
        if (sessionId !== 0) return;
        const wrapper = { authenticationType: authenticationType.none, sequence: 0, sessionId: 0, authCode: undefined };
        return this.#execute(payload, undefined, (reply) => this.#transmit(encodeSession15({ ...wrapper, payload: reply }), peer));
      }
      case "v2.0":
        if (datagram.packet.sessionId === 0) return this.#receiveOutside(datagram.packet, peer);
        return this.#receiveInside(datagram, peer);
    }
  }

  #receiveOutside(packet: { payloadType: number; payload: Uint8Array }, peer: Peer): void {
    const send = (type: number, payload: Uint8Array) => {
      const wrapper = { encrypted: false, authenticated: false, sessionId: 0, sequence: 0 };
      this.#transmit(encodeSession20({ ...wrapper, payloadType: type, payload }), peer);
    };
    const reply = (type: number, payload: Uint8Array | undefined) => {
      const answer = this.faults.handshake(packet.payloadType, payload);
      if (answer !== undefined) send(type, answer);
    };
    switch (packet.payloadType) {
      case payloadType.ipmi:
        return this.#execute(packet.payload, undefined, (message) => send(payloadType.ipmi, message));
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
    this.#execute(payload, session, (message) => this.#sendIn(session, payloadType.ipmi, message));
  }

  /** Executes a command and hands its reply's message to `send`, if there is one. Throws MalformedPacketError. */
  #execute(payload: Uint8Array, session: BmcSession | undefined, send: (message: Uint8Array) => void): void {
    const request = decodeRequest(payload);
    const { reply, afterMs } = this.faults.command(request, () => ({ reply: this.#commands.answer(request, session), afterMs: 0 }));
    if (reply !== undefined) this.#after(afterMs, () => send(this.faults.message(encodeReply(reply))));
  }

  /** The machine's chassis, slower when a fault makes it so. */
  #chassis(): Chassis {
    const { chassis } = this.#options;
    return {
      get on() {
        return chassis.on;
      },
      execute: (verb) => this.#after(this.faults.chassisDelayMs, () => chassis.execute(verb)),
    };
  }

  #sendIn(session: BmcSession, type: number, payload: Uint8Array): void {
    this.#transmit(session.seal(type, payload), session.peer);
  }

  #transmit(datagram: Uint8Array, peer: Peer): void {
    for (const passage of this.faults.passages(datagram)) this.#after(passage.afterMs, () => this.#options.send(passage.datagram, peer));
  }

  #after(delayMs: number, fire: () => void): void {
    if (delayMs === 0) return fire();
    const timer = this.#options.clock.after(delayMs, () => {
      this.#timers.delete(timer);
      fire();
    });
    this.#timers.add(timer);
  }
}
