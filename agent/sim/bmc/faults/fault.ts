/**
 * What a fault of a BMC is: a row of data with a name, and the places where it takes hold. What it does not name stays as it is.
 * Faults know nothing of each other; `ActiveFaults` lets those that are on work together.
 */
import type { Clock, Timer } from "../../../../proto/base/clock.js";
import type { CipherSuite } from "../../../ipmi/crypto/index.js";
import type { ReplyMessage, RequestMessage } from "../../../ipmi/wire/index.js";
import type { FaultValue } from "./fault-value.js";

/** A datagram that goes on, after a while. */
export interface Passage {
  readonly datagram: Uint8Array;
  readonly afterMs: number;
}

/** What the BMC says to a command; without a reply it is silent. */
export interface CommandAnswer {
  readonly reply: ReplyMessage | undefined;
  readonly afterMs: number;
}

/** Whom RAKP 1 names, and how. */
export interface UserLookup {
  readonly role: number;
  readonly userName: Uint8Array;
  /** Of the Open Session Request; 0 = the highest there is. */
  readonly openSessionPrivilege: number;
}

export interface FaultEffects {
  /** What becomes of a datagram on its way in or out: none is lost, two are a duplicate. */
  readonly passages?: (datagram: Uint8Array) => readonly Passage[];
  /** The cipher suites it accepts and tells of. */
  readonly suites?: (suites: readonly CipherSuite[]) => readonly CipherSuite[];
  readonly sessionSlots?: (slots: number) => number;
  /** The answer to a payload of the handshake, given what it would be; undefined = silence. */
  readonly handshake?: (payloadType: number, reply: Uint8Array | undefined) => Uint8Array | undefined;
  /** Looks the user of RAKP 1 up: what codes and keys are computed with, or the status it is refused with. */
  readonly lookUp?: (user: UserLookup) => UserLookup | number;
  /** `execute` is what the BMC would do without the fault; not calling it leaves the command undone. */
  readonly command?: (request: RequestMessage, execute: () => CommandAnswer) => CommandAnswer;
  /** Bytes of a reply's message as they leave. */
  readonly message?: (message: Uint8Array) => Uint8Array;
  /** From a command to the chassis acting on it. */
  readonly chassisDelayMs?: number;
  /** Characters SOL keeps while the console has not acknowledged. */
  readonly solBufferBytes?: number;
  /** Characters SOL takes of one packet. */
  readonly solAcceptsBytes?: number;
  /** No characters pass. "acknowledges" tells the console that they did. */
  readonly solDeaf?: "acknowledges" | "silent";
  /** A console has got hold of SOL. */
  readonly solActivated?: () => void;
}

/** The BMC as a fault sees it when it begins. */
export interface FaultGround {
  readonly clock: Pick<Clock, "monotonicMs">;
  /** Uniform in [0, 1); the same numbers in every run with the same seed. */
  readonly random: () => number;
  /** Does not fire once the fault is healed. Real time. */
  after(delayMs: number, fire: () => void): Timer;
  /** Forgets every session, without a word to anybody. */
  forgetSessions(): void;
  /** Takes SOL from the console that has it, for a session of nobody's or (undefined) for none. False when no console has it. */
  takeSol(holder: number | undefined, options: { notice: boolean }): boolean;
  /** The fault is over by itself. */
  over(): void;
}

/** A fault with its value, ready to begin. */
export interface Fault {
  readonly name: string;
  /** As one writes it: "drop=20%". */
  readonly text: string;
  begin(ground: FaultGround): FaultEffects;
}

/** A row of the table. */
export interface FaultKind {
  readonly name: string;
  /** A sentence for operators, without a full stop. */
  readonly does: string;
  /** What may stand behind "=", and what counts when nothing does; undefined = it takes no value. */
  readonly value: { readonly takes: string; readonly default: string } | undefined;
  /** `value`: the text behind "="; undefined = the default. Throws InvalidArgumentError that says what may stand there. */
  with(value: string | undefined): Fault;
}

interface Row<T> {
  readonly name: string;
  readonly does: string;
  readonly value: FaultValue<T>;
  readonly begin: (value: T, ground: FaultGround) => FaultEffects;
}

/** A row whose fault takes a value. */
export function fault<T>({ name, does, value, begin }: Row<T>): FaultKind {
  return {
    name,
    does,
    value: { takes: value.takes, default: value.print(value.default) },
    with(text) {
      const given = text === undefined ? value.default : value.parse(text, name);
      return { name, text: `${name}=${value.print(given)}`, begin: (ground) => begin(given, ground) };
    },
  };
}
