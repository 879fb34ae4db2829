/**
 * The faults a BMC has at the moment, as one: at every seam of the BMC stands one method, through which those that are on act in the
 * order in which they began. Without faults each is the identity.
 */
import type { Clock, Timer } from "../../../../proto/base/clock.js";
import type { CipherSuite } from "../../../ipmi/crypto/index.js";
import type { RequestMessage } from "../../../ipmi/wire/index.js";
import { seededChance } from "./chance.js";
import type { CommandAnswer, Fault, FaultEffects, FaultGround, Passage, UserLookup } from "./fault.js";

/** What faults may do to the BMC they are in. */
export type FaultyBmc = Pick<FaultGround, "forgetSessions" | "takeSol">;

interface Active {
  readonly text: string;
  readonly effects: FaultEffects;
  readonly timers: Set<Timer>;
}

export class ActiveFaults {
  readonly #active = new Map<string, Active>();
  readonly #bmc: FaultyBmc;
  readonly #clock: Clock;
  readonly #seed: string;

  /** `seed`: what chance is decided by. */
  constructor(bmc: FaultyBmc, clock: Clock, seed: string) {
    this.#bmc = bmc;
    this.#clock = clock;
    this.#seed = seed;
  }

  /** As one writes them, in the order in which they began. */
  get texts(): readonly string[] {
    return [...this.#active.values()].map(({ text }) => text);
  }

  /** Begins it, anew when it is on already. */
  begin(fault: Fault): void {
    const { name, text } = fault;
    this.heal(name);
    const timers = new Set<Timer>();
    let over = false;
    const ground: FaultGround = {
      ...this.#bmc,
      clock: this.#clock,
      random: seededChance(`${this.#seed} ${name}`),
      after: (delayMs, fire) => this.#after(timers, delayMs, fire),
      over: () => {
        over = true;
        this.heal(name);
      },
    };
    const effects = fault.begin(ground);
    if (!over) this.#active.set(name, { text, effects, timers });
  }

  /** Ends one, or (undefined) all. False when there was none of that name. */
  heal(name?: string): boolean {
    if (name === undefined) return [...this.#active.keys()].map((each) => this.heal(each)).includes(true);
    for (const timer of this.#active.get(name)?.timers ?? []) timer.cancel();
    return this.#active.delete(name);
  }

  passages(datagram: Uint8Array): readonly Passage[] {
    const start: readonly Passage[] = [{ datagram, afterMs: 0 }];
    return this.#each("passages").reduce(
      (passages, effect) =>
        passages.flatMap((before) => effect(before.datagram).map((next) => ({ ...next, afterMs: before.afterMs + next.afterMs }))),
      start,
    );
  }

  suites(suites: readonly CipherSuite[]): readonly CipherSuite[] {
    return this.#each("suites").reduce((left, effect) => effect(left), suites);
  }

  sessionSlots(slots: number): number {
    return this.#each("sessionSlots").reduce((left, effect) => effect(left), slots);
  }

  handshake(payloadType: number, reply: Uint8Array | undefined): Uint8Array | undefined {
    return this.#each("handshake").reduce((answer, effect) => effect(payloadType, answer), reply);
  }

  lookUp(user: UserLookup): UserLookup | number {
    let found: UserLookup | number = user;
    for (const effect of this.#each("lookUp")) if (typeof found !== "number") found = effect(found);
    return found;
  }

  command(request: RequestMessage, execute: () => CommandAnswer): CommandAnswer {
    let answer = execute;
    for (const effect of this.#each("command")) {
      const inner = answer;
      answer = () => effect(request, inner);
    }
    return answer();
  }

  message(message: Uint8Array): Uint8Array {
    return this.#each("message").reduce((bytes, effect) => effect(bytes), message);
  }

  get chassisDelayMs(): number {
    return Math.max(0, ...this.#each("chassisDelayMs"));
  }

  solBufferBytes(usual: number): number {
    return Math.min(usual, ...this.#each("solBufferBytes"));
  }

  solAcceptsBytes(usual: number): number {
    return Math.min(usual, ...this.#each("solAcceptsBytes"));
  }

  get solDeaf(): FaultEffects["solDeaf"] {
    return this.#each("solDeaf")[0];
  }

  solActivated(): void {
    for (const effect of this.#each("solActivated")) effect();
  }

  #each<Seam extends keyof FaultEffects>(seam: Seam): readonly NonNullable<FaultEffects[Seam]>[] {
    const found: NonNullable<FaultEffects[Seam]>[] = [];
    for (const { effects } of this.#active.values()) {
      const effect = effects[seam];
      if (effect !== undefined) found.push(effect as NonNullable<FaultEffects[Seam]>);
    }
    return found;
  }

  #after(timers: Set<Timer>, delayMs: number, fire: () => void): Timer {
    const timer = this.#clock.after(delayMs, () => {
      timers.delete(timer);
      fire();
    });
    timers.add(timer);
    return timer;
  }
}
