/**
 * The BMC's end of Serial-over-LAN (IPMI v2.0 §15): one packet on its way at a time in each direction, repeated until it is
 * acknowledged. Characters that nobody acknowledges, or that find no room, are lost; the next packet says so.
 */
import type { Clock, Timer } from "../../../proto/base/clock.js";
import { type SolPacket, solHeaderLength, solStatus } from "../../ipmi/wire/index.js";

/** Of a SOL payload, header included; told to the console when it activates. */
export const solPayloadBytes = 255;
const charactersPerPacket = solPayloadBytes - solHeaderLength;
const highestSequence = 15;

export interface SolLinkOptions {
  readonly clock: Clock;
  /** How long characters are collected before a packet that is not full leaves. */
  readonly accumulateMs: number;
  readonly retryCount: number;
  readonly retryIntervalMs: number;
  /** Characters kept while the console has not acknowledged those before. */
  readonly bufferBytes: () => number;
  /** Characters taken of one packet from the console. */
  readonly acceptsBytes: () => number;
  /** Sends a packet to the console. */
  readonly send: (packet: SolPacket) => void;
  /** Hands characters from the console to the machine. */
  readonly toMachine: (data: Uint8Array) => void;
}

interface Outstanding {
  readonly sequence: number;
  readonly data: Uint8Array;
  readonly flags: number;
  sent: number;
}

export class SolLink {
  readonly #options: SolLinkOptions;
  #waiting: Uint8Array = new Uint8Array(0);
  #outstanding: Outstanding | undefined;
  #sequence = 0;
  #timer: Timer | undefined;
  /** After a NACK: nothing is sent before the console has had time. */
  #resting = false;
  /** Where characters are missing: so many of those waiting come before them. Ascending. */
  #losses: number[] = [];
  #closed = false;
  /** Characters of the last packet: offered by the console, and taken. */
  #lastReceived = { sequence: 0, offered: 0, taken: 0 };

  constructor(options: SolLinkOptions) {
    this.#options = options;
  }

  /** Characters the machine sent. */
  fromMachine(data: Uint8Array): void {
    const room = Math.max(0, this.#options.bufferBytes() - this.#waiting.length);
    this.#waiting = Buffer.concat([this.#waiting, data.subarray(0, room)]);
    if (data.length > room) this.#lose(this.#waiting.length);
    this.#next();
  }

  receive(packet: SolPacket): void {
    if (this.#closed) return;
    if (packet.acknowledged !== 0) this.#acknowledged(packet);
    if (packet.sequence !== 0) this.#take(packet);
  }

  /** Ends the link; with `notice` the console is told. Idempotent. */
  close(notice: boolean): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    if (notice) this.#send({ flags: solStatus.deactivated });
  }

  /**
   * A repeated packet keeps its number and may carry more: only what is new goes to the machine, all of it is acknowledged. What was
   * taken in part is left to the next number, however often it comes.
   */
  #take({ sequence, data }: SolPacket): void {
    const last = sequence === this.#lastReceived.sequence ? this.#lastReceived : { offered: 0, taken: 0 };
    const isNew = data.length > last.offered && last.taken === last.offered;
    const taken = isNew ? last.taken + Math.min(data.length - last.taken, this.#options.acceptsBytes()) : Math.min(last.taken, data.length);
    if (isNew) this.#lastReceived = { sequence, offered: data.length, taken };
    this.#send({ acknowledged: sequence, accepted: taken });
    if (taken > last.taken) this.#options.toMachine(data.slice(last.taken, taken));
  }

  /** What was not accepted goes out again under the next number; after a NACK only when some time has passed. */
  #acknowledged({ acknowledged, accepted, flags }: SolPacket): void {
    const outstanding = this.#outstanding;
    if (outstanding?.sequence !== acknowledged) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#outstanding = undefined;
    const rest = outstanding.data.subarray(accepted);
    this.#waiting = Buffer.concat([rest, this.#waiting]);
    this.#losses = this.#losses.map((before) => before + rest.length);
    if ((flags & solStatus.nack) === 0) return this.#next();
    this.#resting = true;
    this.#timer = this.#after(this.#options.retryIntervalMs, () => {
      this.#resting = false;
      this.#next();
    });
  }

  #next(): void {
    if (this.#closed || this.#resting || this.#outstanding !== undefined || this.#waiting.length === 0) return;
    if (this.#waiting.length >= charactersPerPacket) {
      this.#timer?.cancel();
      this.#transmit();
    } else this.#timer ??= this.#after(this.#options.accumulateMs, () => this.#transmit());
  }

  #transmit(): void {
    const overrun = this.#losses[0] === 0;
    if (overrun) this.#losses.shift();
    // A packet ends where characters are missing: the next one says so.
    const data = this.#waiting.slice(0, Math.min(charactersPerPacket, this.#losses[0] ?? charactersPerPacket));
    this.#waiting = this.#waiting.subarray(data.length);
    this.#losses = this.#losses.map((before) => before - data.length);
    this.#sequence = (this.#sequence % highestSequence) + 1;
    this.#outstanding = { sequence: this.#sequence, data, flags: overrun ? solStatus.transmitOverrun : 0, sent: 0 };
    this.#repeat(this.#outstanding);
  }

  /** Characters are missing behind so many of those waiting. */
  #lose(before: number): void {
    if (!this.#losses.includes(before)) this.#losses = [...this.#losses, before].sort((a, b) => a - b);
  }

  #repeat(outstanding: Outstanding): void {
    if (outstanding.sent > this.#options.retryCount) {
      this.#outstanding = undefined;
      this.#lose(0);
      return this.#next();
    }
    outstanding.sent += 1;
    const { sequence, data, flags } = outstanding;
    this.#send({ sequence, data, flags });
    this.#timer = this.#after(this.#options.retryIntervalMs, () => this.#repeat(outstanding));
  }

  #after(delayMs: number, fire: () => void): Timer {
    return this.#options.clock.after(delayMs, () => {
      this.#timer = undefined;
      fire();
    });
  }

  #send(packet: Partial<SolPacket>): void {
    this.#options.send({ sequence: 0, acknowledged: 0, accepted: 0, flags: 0, data: new Uint8Array(0), ...packet });
  }
}
