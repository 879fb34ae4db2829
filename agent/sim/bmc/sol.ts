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

export interface SolOptions {
  readonly clock: Clock;
  readonly parameters: SolParameters;
  /** The serial port of the machine SOL is wired to. */
  readonly serial: SerialPort;
  readonly port: number;
  /** Sends a SOL payload to the console of a session. */
  readonly send: (session: BmcSession, payload: Uint8Array) => void;
}

export class Sol {
  readonly #options: SolOptions;
  #active: { readonly session: BmcSession; readonly link: SolLink; readonly unplug: () => void } | undefined;

  constructor(options: SolOptions) {
    this.#options = options;
  }

  /** A SOL payload from a session; of one that does not hold SOL it is ignored. Throws MalformedPacketError. */
  receive(session: BmcSession, payload: Uint8Array): void {
    const packet = decodeSol(payload);
    if (this.#active?.session === session) this.#active.link.receive(packet);
  }

  /** The session is gone, and SOL with it. */
  sessionClosed(session: BmcSession): void {
    if (this.#active?.session === session) this.#deactivate(false);
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
        this.#deactivate(this.#active.session !== session);
        return {};
      }),
      answers(getPayloadActivationStatus, "user", (request) => {
        const active = this.#active === undefined ? 0 : 1;
        return unlessSol(request.payloadType) ?? { capacity: { instances: 1 }, active };
      }),
      answers(getPayloadInstanceInfo, "user", (request) => {
        // Eight bytes of information, the first the number of the serial port (§24.4).
        const information = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0);
        return unlessSol(request.payloadType) ?? { sessionId: this.#active?.session.managedId ?? 0, information };
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
    const { clock, parameters, serial, send } = this.#options;
    const link = new SolLink({
      clock,
      accumulateMs: parameters.accumulateMs,
      ...parameters.retry,
      send: (packet) => send(session, encodeSol(packet)),
      toMachine: (data) => serial.send(data),
    });
    this.#active = { session, link, unplug: serial.plugIn((data) => link.fromMachine(data)) };
  }

  /** `notice`: tell its console that SOL was taken away. */
  #deactivate(notice: boolean): void {
    this.#active?.unplug();
    this.#active?.link.close(notice);
    this.#active = undefined;
  }
}
