/**
 * A BMC's SOL, our line, and a network between them in simulated time: datagrams are dropped, doubled and delayed, so that they
 * overtake each other; either end stalls; the BMC gives up, restarts, and takes what it has room for. Everything comes from the seed.
 */
import { openLine, stepLine, type SolLine, type SolLineEffect, type SolLineEvent } from "../../../agent/ipmi/sol/index.js";
import { solStatus, type SolPacket } from "../../../agent/ipmi/wire/index.js";
import { seededBytes } from "./bytes.js";

export interface Weather {
  /** Of 100 datagrams. */
  readonly drop: number;
  readonly double: number;
  /** One way, evenly spread. */
  readonly delayMs: number;
  /** Chance in 100, when a datagram comes, that we do nothing for up to `stallMs`; not twice within `restMs`. */
  readonly stall: number;
  readonly stallMs: number;
  /** Chance in 100, per copy from the BMC, that it drops what it was sending and goes on under any other number. */
  readonly restart: number;
}

export interface Outcome {
  /** What the machine printed and what was typed. */
  readonly printed: string;
  readonly typed: string;
  /** What arrived here, in pieces between losses; and there. */
  readonly pieces: readonly string[];
  readonly atMachine: string;
  readonly packets: number;
}

/** The BMC waits for an acknowledgement so long, far above the longest way there and back. */
const retryMs = 100;
const retries = 7;
/** Two stalls within one of the BMC's waits can hide from us that a grown copy crossed our acknowledgement: see README, "SOL". */
const restMs = 500;
const room = 16;

export class SolWorld {
  readonly #random: (length: number) => Uint8Array;
  readonly #weather: Weather;
  #line: SolLine = openLine(16);
  #nowMs = 0;
  #due: { readonly atMs: number; readonly act: () => void }[] = [];
  #timer: object | undefined;
  #stalledUntilMs = -restMs;
  #order = 0;
  #packets = 0;
  readonly #pieces: string[] = [""];

  readonly #printed: string;
  readonly #typed: string;
  #sequence: number;
  /** Of `#printed`: acknowledged, and on its way. */
  #at = 0;
  #sent = 0;
  #copies = 0;
  #retry: object | undefined;
  #overrun = false;
  #atMachine = "";
  #newestAtBmc = 0;
  #lastTaken = { sequence: 0, accepted: 0 };

  constructor(seed: number, weather: Weather) {
    this.#random = seededBytes(seed * 7919 + 1);
    this.#weather = weather;
    this.#printed = Array.from({ length: 120 }, (_, i) => `${i}=${Buffer.from(this.#random(6)).toString("base64")};`).join("");
    this.#typed = Array.from({ length: 40 }, (_, i) => `in ${i};`).join("");
    this.#sequence = this.#below(16);
  }

  run(): Outcome {
    this.#feed({ kind: "write", data: Buffer.from(this.#typed) });
    this.#print();
    while (this.#due.length > 0 && this.#nowMs < 600_000) {
      const next = this.#due.reduce((first, each) => (each.atMs < first.atMs ? each : first));
      this.#due.splice(this.#due.indexOf(next), 1);
      this.#nowMs = next.atMs;
      next.act();
    }
    return { printed: this.#printed, typed: this.#typed, pieces: this.#pieces, atMachine: this.#atMachine, packets: this.#packets };
  }

  #feed(event: SolLineEvent): void {
    const { line, effects } = stepLine(this.#line, event);
    this.#line = line;
    for (const effect of effects) this.#apply(effect);
  }

  #apply(effect: SolLineEffect): void {
    switch (effect.kind) {
      case "send":
        return this.#toBmc(effect.packet);
      case "deliver":
        this.#pieces.push((this.#pieces.pop() ?? "") + Buffer.from(effect.data).toString());
        return;
      case "overrun":
        this.#pieces.push("");
        return;
      case "timer": {
        const armed = effect.delayMs === undefined ? undefined : {};
        this.#timer = armed;
        if (effect.delayMs !== undefined) this.#later(effect.delayMs, () => this.#timer === armed && this.#feed({ kind: "timer" }));
        return;
      }
      case "ended":
        throw new Error(`the line ended: ${effect.reason}`);
      default:
    }
  }

  /** Of packets that overtake each other the BMC believes the newer one, as we do. */
  #toBmc(packet: SolPacket): void {
    this.#order += 1;
    const order = this.#order;
    this.#carry(() => {
      if (order < this.#newestAtBmc) return;
      this.#newestAtBmc = order;
      this.#atBmc(packet);
    });
  }

  /** What arrives here waits until we have time. */
  #toConsole(packet: Partial<SolPacket>): void {
    this.#order += 1;
    const order = this.#order;
    const whole = { sequence: 0, acknowledged: 0, accepted: 0, flags: 0, data: new Uint8Array(0), ...packet };
    const handle = () => {
      if (this.#nowMs < this.#stalledUntilMs) return this.#later(this.#stalledUntilMs - this.#nowMs, handle);
      this.#feed({ kind: "received", packet: whole, order, atMs: this.#nowMs });
    };
    this.#carry(() => {
      const rested = this.#nowMs - this.#stalledUntilMs >= restMs;
      if (rested && this.#chance(this.#weather.stall)) this.#stalledUntilMs = this.#nowMs + this.#below(this.#weather.stallMs + 1);
      handle();
    });
  }

  /** The machine prints all the time: each packet takes what there is, up to `room`, and a repeated one may carry more. */
  #print(): void {
    if (this.#at >= this.#printed.length) return;
    // A loss at the very end would have no packet left to say so.
    const last = this.#at + this.#sent >= this.#printed.length;
    if (this.#copies > 0 && !last && this.#chance(this.#weather.restart)) return this.#restart();
    if (this.#copies >= retries && !last) return this.#giveUp();
    this.#copies += 1;
    const grown = this.#sent === 0 ? 1 + this.#below(room) : Math.min(room, this.#sent + this.#below(4));
    this.#sent = Math.min(grown, this.#printed.length - this.#at);
    const data = Buffer.from(this.#printed.slice(this.#at, this.#at + this.#sent));
    this.#toConsole({ sequence: this.#sequence, data, flags: this.#overrun ? solStatus.transmitOverrun : 0 });
    const armed = {};
    this.#retry = armed;
    this.#later(retryMs, () => this.#retry === armed && this.#print());
  }

  /** Nobody acknowledged: what was sent is dropped, and the next packet says so. */
  #giveUp(): void {
    this.#overrun = true;
    this.#next(this.#sent, (this.#sequence % 15) + 1);
  }

  #restart(): void {
    this.#overrun = true;
    const sequence = ((this.#sequence + 1 + this.#below(13)) % 15) + 1;
    // Upon the number we know, characters that begin alike cannot be told from a copy: README, "SOL".
    this.#next(this.#sent, sequence === this.#line.last?.sequence ? (sequence % 15) + 1 : sequence);
  }

  #next(done: number, sequence: number): void {
    this.#at += done;
    this.#sequence = sequence;
    this.#sent = 0;
    this.#copies = 0;
    this.#retry = undefined;
    this.#print();
  }

  #atBmc({ sequence, acknowledged, accepted, data }: SolPacket): void {
    if (acknowledged === this.#sequence && this.#sent > 0) {
      this.#overrun = false;
      this.#next(Math.min(accepted, this.#sent), (this.#sequence % 15) + 1);
    }
    if (sequence === 0) return;
    if (sequence !== this.#lastTaken.sequence) {
      const taken = this.#chance(30) ? this.#below(data.length) : data.length;
      this.#lastTaken = { sequence, accepted: taken };
      this.#atMachine += Buffer.from(data.subarray(0, taken)).toString();
    }
    this.#toConsole({ acknowledged: sequence, accepted: this.#lastTaken.accepted });
  }

  #carry(arrive: () => void): void {
    this.#packets += 1;
    const copies = this.#chance(this.#weather.drop) ? 0 : this.#chance(this.#weather.double) ? 2 : 1;
    let arrived = false;
    for (let i = 0; i < copies; i += 1) {
      this.#later(this.#below(this.#weather.delayMs + 1), () => {
        // The session below refuses a datagram it has seen, at both ends.
        if (!arrived) arrive();
        arrived = true;
      });
    }
  }

  #later(delayMs: number, act: () => void): void {
    this.#due.push({ atMs: this.#nowMs + delayMs, act });
  }

  #chance(percent: number): boolean {
    return this.#below(100) < percent;
  }

  #below(limit: number): number {
    const [low = 0, high = 0] = this.#random(2);
    return (high * 256 + low) % limit;
  }
}
