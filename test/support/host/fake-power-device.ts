/** A machine's power in memory. Faults have names; every verb that reached it is remembered. */
import type { Clock } from "../../../proto/base/clock.js";
import { AuthenticationError, UnreachableError, UnsupportedError } from "../../../proto/base/errors.js";
import type { PowerDevice, PowerReading, PowerState } from "../../../agent/ports/power.js";

type Verb = "on" | "off" | "reset" | "soft";

export class FakePowerDevice implements PowerDevice {
  readonly label = "fake power";
  /** Verbs that took effect, in order. */
  readonly acts: Verb[] = [];
  /** How long the machine takes to change its state. */
  delayMs = 0;
  /** The operating system heeds a soft power-off. */
  obeysSoft = true;
  /** Told before a verb takes effect. */
  onSend: (verb: Verb) => void = () => {};
  readonly #clock: Clock;
  #state: PowerState;
  #next: { readonly state: PowerState; readonly atMs: number } | undefined;
  #lostReplies = 0;
  #unansweredReads = 0;
  #ignored = 0;
  #refusing = false;

  constructor(state: PowerState, clock: Clock) {
    this.#state = state;
    this.#clock = clock;
  }

  /** The next verb takes effect, its answer does not arrive. */
  loseReply(): void {
    this.#lostReplies += 1;
  }

  /** The next verb is accepted and comes to nothing. */
  ignoreVerb(): void {
    this.#ignored += 1;
  }

  /** The next `count` readings get no answer. */
  goSilent(count: number): void {
    this.#unansweredReads = count;
  }

  /** From now on our credentials are wrong. */
  refuse(): void {
    this.#refusing = true;
  }

  async read(): Promise<PowerReading> {
    if (this.#unansweredReads > 0) {
      this.#unansweredReads -= 1;
      throw new UnreachableError("fake power: no answer");
    }
    this.#settle();
    return { state: this.#state, fault: false, lastEvent: "command" };
  }

  async send(verb: Verb): Promise<void> {
    this.#settle();
    this.onSend(verb);
    if (this.#refusing) throw new AuthenticationError("fake power: wrong password");
    if (verb === "reset" && this.#state === "off") throw new UnsupportedError("fake power: is off");
    this.acts.push(verb);
    if (this.#ignored > 0) this.#ignored -= 1;
    else if (verb !== "reset" && (verb !== "soft" || this.obeysSoft)) {
      this.#next = { state: verb === "on" ? "on" : "off", atMs: this.#clock.monotonicMs() + this.delayMs };
    }
    if (this.#lostReplies > 0) {
      this.#lostReplies -= 1;
      throw new UnreachableError("fake power: the reply was lost");
    }
  }

  async close(): Promise<void> {}

  #settle(): void {
    if (this.#next === undefined || this.#clock.monotonicMs() < this.#next.atMs) return;
    this.#state = this.#next.state;
    this.#next = undefined;
  }
}
