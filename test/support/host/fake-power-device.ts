/** A machine's power in memory. Faults have names; every verb that reached it is remembered. */
import { sleep, type Clock } from "../../../proto/base/clock.js";
import {
  AuthenticationError,
  CancelledError,
  ExhaustedError,
  FailedError,
  UnreachableError,
  UnsupportedError,
} from "../../../proto/base/errors.js";
import { NotSentError, type PowerDevice, type PowerReading, type PowerState } from "../../../agent/ports/power.js";

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
  /** How long it takes to answer. */
  answerMs = 0;
  /** False: nothing that is sent arrives, and everybody is told so at once. */
  reachable = true;
  /** Whether a verb finds it in a state in which it refuses that verb. */
  refuses: (verb: Verb) => boolean = () => false;
  /** It tells when the machine started, as some devices do. */
  tellsStart = false;
  readonly #clock: Clock;
  #state: PowerState;
  #next: { readonly state: PowerState; readonly atMs: number } | undefined;
  #lostReplies = 0;
  #failingBefore = 0;
  #unansweredReads = 0;
  #ignored = 0;
  #busy = 0;
  #refusing = false;
  #dead = false;
  #starts = 1;
  #packets = 0;

  constructor(state: PowerState, clock: Clock) {
    this.#state = state;
    this.#clock = clock;
  }

  /** The next verb takes effect, its answer does not arrive. */
  loseReply(): void {
    this.#lostReplies += 1;
  }

  /** The next verb is not sent, for what must be known first could not be read. */
  failBefore(): void {
    this.#failingBefore += 1;
  }

  /** The next verb is accepted and comes to nothing. */
  ignoreVerb(): void {
    this.#ignored += 1;
  }

  /** The next `count` readings get no answer. */
  goSilent(count: number): void {
    this.#unansweredReads = count;
  }

  /** The next `count` verbs find it busy: it does nothing, and says so. */
  beBusy(count: number): void {
    this.#busy = count;
  }

  /** From now on our credentials are wrong, or right again. */
  refuse(refusing = true): void {
    this.#refusing = refusing;
  }

  /** From now on nothing is answered: whoever asks waits until it gives up. */
  die(): void {
    this.#dead = true;
  }

  /** Somebody at the machine presses its button. */
  press(state: PowerState): void {
    this.#state = state;
    this.#next = undefined;
  }

  packets(): number {
    return this.#packets;
  }

  async read(options?: { signal?: AbortSignal | undefined }): Promise<PowerReading> {
    if (options?.signal?.aborted) throw CancelledError.from(options.signal);
    await this.#answer(options?.signal);
    if (this.#unansweredReads > 0) {
      this.#unansweredReads -= 1;
      this.#packets -= 1;
      throw new UnreachableError("fake power: no answer");
    }
    this.#settle();
    const start = this.tellsStart ? { start: `start ${this.#starts}` } : {};
    return { state: this.#state, fault: false, lastEvent: "command", ...start };
  }

  async send(verb: Verb, options?: { signal?: AbortSignal | undefined }): Promise<void> {
    if (options?.signal?.aborted) throw CancelledError.from(options.signal);
    if (this.#failingBefore > 0) {
      this.#failingBefore -= 1;
      throw new NotSentError("fake power: no answer; nothing was sent");
    }
    this.#settle();
    this.onSend(verb);
    await this.#answer(options?.signal);
    if (this.#busy > 0) {
      this.#busy -= 1;
      throw new ExhaustedError("fake power: busy; try again");
    }
    if (this.#refusing) throw new AuthenticationError("fake power: wrong password");
    if (this.refuses(verb)) throw new FailedError(`fake power: no ${verb} in this state`);
    if (verb === "reset" && this.#state === "off") throw new UnsupportedError("fake power: is off; use on");
    this.acts.push(verb);
    if (this.#ignored > 0) this.#ignored -= 1;
    else if (verb === "reset") this.#starts += 1;
    else if (verb !== "soft" || this.obeysSoft) {
      this.#next = { state: verb === "on" ? "on" : "off", atMs: this.#clock.monotonicMs() + this.delayMs };
    }
    if (this.#lostReplies > 0) {
      this.#lostReplies -= 1;
      this.#packets -= 1;
      throw new UnreachableError("fake power: the reply was lost");
    }
  }

  async close(): Promise<void> {}

  /** A request, and its answer after a while; none from the dead. */
  async #answer(signal: AbortSignal | undefined): Promise<void> {
    this.#packets += 1;
    if (!this.reachable) throw new UnreachableError("fake power: no route to it");
    if (this.#dead) {
      await sleep(this.#clock, 20_000, { signal });
      throw new UnreachableError("fake power: no answer within 20 s");
    }
    if (this.answerMs > 0) await sleep(this.#clock, this.answerMs, { signal });
    this.#packets += 1;
  }

  #settle(): void {
    if (this.#next === undefined || this.#clock.monotonicMs() < this.#next.atMs) return;
    this.#state = this.#next.state;
    this.#next = undefined;
  }
}
