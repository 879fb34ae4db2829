/** SOL of a simulated BMC: one instance, held by one session, until that deactivates it, ends, or somebody else takes it away. */
import {
  activatePayload,
  deactivatePayload,
  getChannelPayloadSupport,
  getChannelPayloadVersion,
  getPayloadActivationStatus,
  getPayloadInstanceInfo,
} from "../../ipmi/command/index.js";
import { completionCode, decodeSol, encodeSol, payloadType } from "../../ipmi/wire/index.js";
import type { Clock } from "../../../proto/base/clock.js";
import type { ActiveFaults } from "./faults/index.js";
import type { SerialPort } from "../machine/serial-port.js";
import { answers, type CommandEntry, refuse } from "./command-table.js";
import type { BmcSession } from "./session.js";
import { SolLink, solPayloadBytes } from "./sol-link.js";
import type { SolParameters } from "./sol-parameters.js";

const alreadyActive = 0x80;
const alreadyDeactivated = 0x80;
const payloadDisabled = 0x81;
const encryptionRequired = 0x84;
const payloadNotAvailable = 0x80;
const noVlan = 0xffff;
/** Characters kept for a console that is behind. */
const usualBufferBytes = 64 * 1024;

export interface SolOptions {
  readonly clock: Clock;
  readonly parameters: SolParameters;
  /** The serial port of the machine SOL is wired to. */
  readonly serial: SerialPort;
  readonly port: number;
  readonly faults: ActiveFaults;
  /** Sends a SOL payload to the console of a session. */
  readonly send: (session: BmcSession, payload: Uint8Array) => void;
}

interface Activation {
  /** The id of the session that has it. */
  readonly holder: number;
  /** Undefined while a session has it that nobody is behind. */
  readonly console: { readonly session: BmcSession; readonly link: SolLink; readonly unplug: () => void } | undefined;
}

export class Sol {
  readonly #options: SolOptions;
  #active: Activation | undefined;

  constructor(options: SolOptions) {
    this.#options = options;
  }

  /** A SOL payload from a session; of one that does not hold SOL it is ignored. Throws MalformedPacketError. */
  receive(session: BmcSession, payload: Uint8Array): void {
    const packet = decodeSol(payload);
    const console = this.#active?.console;
    if (console?.session === session && this.#options.faults.solDeaf !== "silent") console.link.receive(packet);
  }

  /** The session is gone, and SOL with it. */
  sessionClosed(session: BmcSession): void {
    if (this.#active?.console?.session === session) this.#deactivate(false);
  }

  /**
   * Takes SOL from the console that has it, for the session with the id `holder`, or for none. `notice`: the console is told. False when
   * no console has it.
   */
  take(holder: number | undefined, { notice }: { notice: boolean }): boolean {
    if (this.#active?.console === undefined) return false;
    this.#deactivate(notice);
    if (holder !== undefined) this.#active = { holder, console: undefined };
    return true;
  }

  commands(): readonly CommandEntry[] {
    const unlessSol = (type: number, code: number = completionCode.invalidDataField) =>
      type === payloadType.sol ? undefined : refuse(code);
    return [
      answers(activatePayload, "operator", (request, session) => {
        const other = unlessSol(request.payloadType) ?? (request.instance === 1 ? undefined : refuse(completionCode.invalidDataField));
        if (other !== undefined || session === undefined) return other ?? refuse(completionCode.insufficientPrivilege);
        if (!this.#options.parameters.enabled) return refuse(payloadDisabled);
        if (this.#active !== undefined) return refuse(alreadyActive);
        if (!request.options.encrypted || !request.options.authenticated) return refuse(encryptionRequired);
        this.#activate(session);
        const sizes = { inboundSizeBytes: solPayloadBytes, outboundSizeBytes: solPayloadBytes };
        return { auxiliary: new Uint8Array(4), ...sizes, port: this.#options.port, vlan: noVlan };
      }),
      answers(deactivatePayload, "operator", (request, session) => {
        const other = unlessSol(request.payloadType);
        if (other !== undefined) return other;
        if (this.#active === undefined) return refuse(alreadyDeactivated);
        this.#deactivate(this.#active.console?.session !== session);
        return {};
      }),
      answers(getPayloadActivationStatus, "user", (request) => {
        const active = this.#active === undefined ? 0 : 1;
        return unlessSol(request.payloadType) ?? { capacity: { instances: 1 }, active };
      }),
      answers(getPayloadInstanceInfo, "user", (request) => {
        // Eight bytes of information, the first the number of the serial port (§24.4).
        const information = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0);
        return unlessSol(request.payloadType) ?? { sessionId: this.#active?.holder ?? 0, information };
      }),
      answers(getChannelPayloadSupport, "user", () => ({
        // IPMI and SOL; the handshake's own six types.
        payloadTypes: Uint8Array.of(0b11, 0, 0b11_1111, 0, 0, 0, 0, 0),
      })),
      answers(getChannelPayloadVersion, "user", (request) => {
        const known = request.payloadType <= payloadType.sol || request.payloadType >= payloadType.openSessionRequest;
        return known ? { version: { major: 1, minor: 0 } } : refuse(payloadNotAvailable);
      }),
    ];
  }

  #activate(session: BmcSession): void {
    const { clock, parameters, serial, send, faults } = this.#options;
    const link = new SolLink({
      clock,
      accumulateMs: parameters.accumulateMs,
      ...parameters.retry,
      send: (packet) => send(session, encodeSol(packet)),
      bufferBytes: () => faults.solBufferBytes(usualBufferBytes),
      acceptsBytes: () => faults.solAcceptsBytes(solPayloadBytes),
      toMachine: (data) => {
        if (faults.solDeaf === undefined) serial.send(data);
      },
    });
    const unplug = serial.plugIn((data) => {
      if (faults.solDeaf === undefined) link.fromMachine(data);
    });
    this.#active = { holder: session.managedId, console: { session, link, unplug } };
    faults.solActivated();
  }

  /** `notice`: tell its console that SOL was taken away. */
  #deactivate(notice: boolean): void {
    this.#active?.console?.unplug();
    this.#active?.console?.link.close(notice);
    this.#active = undefined;
  }
}
