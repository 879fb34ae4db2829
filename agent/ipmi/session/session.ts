/**
 * An established session: sealed packets both ways, one command in flight, SOL beside it.
 *
 * Invariants. Every packet we send has a new session sequence number, retries included (IPMI v2.0 §13.6). Nothing that does not prove
 * authentic, or was seen before, is looked at. A reply belongs to the request with its sequence, network function and command.
 */
import { unlessAborted } from "../../../proto/base/abort.js";
import type { Clock } from "../../../proto/base/clock.js";
import { CancelledError, FailedError, UnreachableError } from "../../../proto/base/errors.js";
import { closeSession, type Command } from "../command/index.js";
import { createSealedPackets, forgetKeys, type SealedPackets } from "../crypto/index.js";
import * as wire from "../wire/index.js";
import type { Deviation } from "./deviations.js";
import { commandFailed } from "./failures.js";
import type { EstablishedSession } from "./handshake.js";
import { jittered, type Random } from "./login.js";
import { SequenceWindow } from "./sequence-window.js";

/** Waits after the first, second… copy of a repeatable command; the first differs by a quarter either way, so that many BMCs keep apart. */
const repeatableWaitsMs = [1000, 2000, 3000] as const;
/** A command that may not be repeated gets all its time at once. */
const onceWaitsMs = [10_000] as const;
const closeWaitsMs = [500] as const;
/** What a command under way is given when the session is to close. */
const lastTurnMs = 1000;
/** The BMC has done nothing, or read nothing: what may be repeated is. */
const passing: ReadonlySet<number> = new Set([wire.completionCode.nodeBusy, wire.completionCode.timeout]);

export interface SessionSettings {
  /** For messages: "bmc 10.0.1.10". */
  readonly subject: string;
  readonly userKey: Uint8Array;
  /** False for BMCs that compute message checksums wrong. */
  readonly checksums: boolean;
  /** The BMC turns out to deviate in a way that is allowed for. */
  readonly onDeviation?: ((deviation: Deviation) => void) | undefined;
}

export interface SessionDependencies {
  readonly clock: Clock;
  readonly random: Random;
  send(datagram: Uint8Array): void;
}

/** A command's end: its completion code, and the reply when that is 0. */
export type Completed<Reply> = { readonly code: 0; readonly reply: Reply } | { readonly code: number; readonly reply: undefined };

export type SolListener = (packet: wire.SolPacket, sessionSequence: number) => void;

export class Session {
  readonly ids: { readonly console: number; readonly managed: number };
  readonly suiteId: number;
  readonly #settings: SessionSettings;
  readonly #deps: SessionDependencies;
  readonly #established: EstablishedSession;
  readonly #packets: SealedPackets;
  readonly #window = new SequenceWindow();
  #sequence = 0;
  #requestSequence = 0;
  #awaiting: ((reply: wire.ReplyMessage) => void) | undefined;
  #stopAwaiting: (() => void) | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #solListener: SolListener | undefined;
  #heardMs: number;
  #closed = false;

  constructor(established: EstablishedSession, settings: SessionSettings, deps: SessionDependencies) {
    this.ids = { console: established.consoleSessionId, managed: established.managedSessionId };
    this.suiteId = established.suite.id;
    this.#established = established;
    this.#settings = settings;
    this.#deps = deps;
    this.#packets = createSealedPackets(established.suite, established.keys, settings.userKey, deps.random);
    this.#heardMs = deps.clock.monotonicMs();
  }

  /** Milliseconds since the BMC last proved that it knows this session. */
  get silentMs(): number {
    return this.#deps.clock.monotonicMs() - this.#heardMs;
  }

  /** Who gets SOL packets, with the session sequence number each came under. */
  onSol(listener: SolListener | undefined): void {
    this.#solListener = listener;
  }

  sendSol(packet: wire.SolPacket): void {
    this.#send(wire.payloadType.sol, wire.encodeSol(packet));
  }

  /** Feed every datagram of the route in here. Whatever is broken, forged or old is dropped. */
  received(bytes: Uint8Array): void {
    if (this.#closed) return;
    try {
      const datagram = wire.decodeDatagram(bytes);
      if (datagram.format !== "v2.0" || datagram.packet.sessionId !== this.ids.console) return;
      const payload = this.#packets.open(datagram.packet, datagram.body);
      if (!this.#window.accept(datagram.packet.sequence)) return;
      this.#heardMs = this.#deps.clock.monotonicMs();
      this.#dispatch(datagram.packet.payloadType, payload, datagram.packet.sequence);
    } catch (error) {
      if (!(error instanceof wire.MalformedPacketError)) throw error;
    }
  }

  /**
   * Sends a command and gives its reply. Throws UnreachableError when none came: of a command that may not be repeated it is then
   * open whether the BMC acted. Throws what `failures.ts` says of the completion code.
   */
  async request<Request, Reply>(
    command: Command<Request, Reply>,
    request: Request,
    options?: { signal?: AbortSignal | undefined },
  ): Promise<Reply> {
    const completed = await this.exchange(command, request, options);
    if (completed.reply === undefined) throw commandFailed(this.#settings.subject, command, completed.code);
    return completed.reply;
  }

  /** As `request`, but a completion code is a value. */
  exchange<Request, Reply>(
    command: Command<Request, Reply>,
    request: Request,
    options?: { signal?: AbortSignal | undefined },
  ): Promise<Completed<Reply>> {
    const waits = command.repeatable ? repeatableWaitsMs : onceWaitsMs;
    const mine = this.#turn.then(() => this.#exchange(command, request, waits, options?.signal));
    this.#turn = mine.catch(() => undefined);
    // Whoever gives up need not wait for its turn to say so.
    return unlessAborted(mine, options?.signal);
  }

  /**
   * Ends the session at the BMC, waiting for its answer only briefly because some never give it; then forgets the keys. Takes 1.5 s at
   * most: commands still under way after a second are given up. Idempotent.
   */
  async close(): Promise<void> {
    if (this.#closed) return;
    if (!(await this.#idle())) return this.abandon();
    // Nobody can do anything about a session that cannot be closed: it expires by itself.
    await this.#exchange(closeSession, { sessionId: this.ids.managed }, closeWaitsMs, undefined).catch(() => undefined);
    this.#forget();
  }

  /** Resolves with true when no command is under way, with false after a second. */
  #idle(): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = this.#deps.clock.after(lastTurnMs, () => resolve(false));
      void this.#turn.then(() => {
        timer.cancel();
        resolve(true);
      });
    });
  }

  /** Forgets the session; the BMC is told once, in case it hears more than we do. Idempotent. */
  abandon(): void {
    if (this.#closed) return;
    this.#send(wire.payloadType.ipmi, this.#encode(closeSession, { sessionId: this.ids.managed }));
    this.#forget();
  }

  #forget(): void {
    this.#closed = true;
    this.#solListener = undefined;
    this.#stopAwaiting?.();
    this.#packets.forget();
    forgetKeys(this.#established.keys);
  }

  async #exchange<Request, Reply>(
    command: Command<Request, Reply>,
    request: Request,
    waitsMs: readonly number[],
    signal: AbortSignal | undefined,
  ): Promise<Completed<Reply>> {
    if (signal?.aborted) throw CancelledError.from(signal);
    const message = this.#encode(command, request);
    const [firstMs = 0, ...restMs] = waitsMs;
    let said: number | undefined;
    for (const waitMs of [command.repeatable ? firstMs * jittered(this.#deps.random) : firstMs, ...restMs]) {
      if (this.#closed) break;
      this.#send(wire.payloadType.ipmi, message);
      const reply = await this.#reply(command, this.#requestSequence, waitMs, signal);
      said = reply?.completionCode;
      if (reply === undefined || (passing.has(reply.completionCode) && command.repeatable)) continue;
      if (reply.completionCode !== wire.completionCode.ok) return { code: reply.completionCode, reply: undefined };
      return { code: 0, reply: decodeReply(this.#settings.subject, command, reply.data) };
    }
    throw this.#closed ? this.#cutOff(command) : this.#unanswered(command, waitsMs, said);
  }

  /** A request under the next request sequence number. */
  #encode<Request>(command: Command<Request, unknown>, request: Request): Uint8Array {
    this.#requestSequence = (this.#requestSequence + 1) & 0x3f;
    return wire.encodeRequest({
      responderAddress: wire.bmcAddress,
      requesterAddress: wire.consoleAddress,
      netFn: command.netFn,
      lun: 0,
      sequence: this.#requestSequence,
      command: command.cmd,
      data: wire.encode(command.request, request),
    });
  }

  /** The matching reply, undefined when none came in time. A passing trouble is told only when its time is over. */
  #reply(
    command: Command<unknown, unknown>,
    sequence: number,
    waitMs: number,
    signal: AbortSignal | undefined,
  ): Promise<wire.ReplyMessage | undefined> {
    return new Promise((resolve, reject) => {
      let passingReply: wire.ReplyMessage | undefined;
      const end = () => {
        timer.cancel();
        this.#awaiting = undefined;
        this.#stopAwaiting = undefined;
        signal?.removeEventListener("abort", onAbort);
      };
      const onAbort = () => {
        end();
        reject(CancelledError.from(signal));
      };
      const giveUp = () => {
        end();
        resolve(passingReply);
      };
      const timer = this.#deps.clock.after(waitMs, giveUp);
      this.#stopAwaiting = giveUp;
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#awaiting = (reply) => {
        if (reply.sequence !== sequence || reply.command !== command.cmd || reply.netFn !== (command.netFn | 1)) return;
        if (passing.has(reply.completionCode) && command.repeatable) passingReply = reply;
        else {
          end();
          resolve(reply);
        }
      };
    });
  }

  #dispatch(type: number, payload: Uint8Array, sessionSequence: number): void {
    if (type === wire.payloadType.sol) this.#solListener?.(wire.decodeSol(payload), sessionSequence);
    else if (type === wire.payloadType.ipmi) this.#awaiting?.(this.#decode(payload));
  }

  /** The integrity code has vouched for these bytes, so a wrong checksum is the BMC's own: it is read all the same, and told. */
  #decode(payload: Uint8Array): wire.ReplyMessage {
    try {
      return wire.decodeReply(payload, { checksums: this.#settings.checksums });
    } catch (error) {
      const reply = wire.decodeReply(payload, { checksums: false });
      const symptom = "a message that its integrity code proved had a wrong checksum";
      if (error instanceof wire.MalformedPacketError) this.#settings.onDeviation?.({ name: "nochecksumcheck", symptom });
      return reply;
    }
  }

  #send(payloadType: number, payload: Uint8Array): void {
    if (this.#closed) return;
    this.#sequence += 1;
    this.#deps.send(this.#packets.seal({ payloadType, sessionId: this.ids.managed, sequence: this.#sequence, payload }));
  }

  #cutOff(command: Command<unknown, unknown>): UnreachableError {
    const { subject } = this.#settings;
    return new UnreachableError(`${subject}: the session ended before ${command.name} was answered${openEnd(command)}`, {
      facts: { bmc: subject, command: command.name },
    });
  }

  #unanswered(command: Command<unknown, unknown>, waitsMs: readonly number[], said: number | undefined): UnreachableError {
    const { subject } = this.#settings;
    const seconds = (waitsMs.reduce((sum, each) => sum + each, 0) / 1000).toFixed(1);
    const what = said === undefined ? "no answer" : `only "${wire.describeCompletion(said)}" as the last answer`;
    const times = waitsMs.length === 1 ? "once" : `${waitsMs.length} times`;
    return new UnreachableError(`${subject}: ${what} to ${command.name}, sent ${times}, in ${seconds} s${openEnd(command)}`, {
      facts: { bmc: subject, command: command.name, sent: waitsMs.length, silentMs: Math.round(this.silentMs) },
    });
  }
}

/** What is left to do, or to find out. */
function openEnd(command: Command<unknown, unknown>): string {
  return command.repeatable
    ? "; it may be busy or restarting: try again"
    : "; it is open whether the BMC acted, and it was not asked again: read the state";
}

/** A reply shorter than its command promises is a defect of the BMC, told as one. */
function decodeReply<Reply>(subject: string, command: Command<unknown, Reply>, data: Uint8Array): Reply {
  try {
    return wire.decode(command.reply, data, `${command.name} reply`);
  } catch (cause) {
    throw new FailedError(`${subject}: cannot read its answer`, { cause, facts: { bmc: subject, command: command.name } });
  }
}
