/**
 * The one gate of an agent through which everything goes that is sent to a machine's power: it lets a transition go ahead, makes it wait,
 * or refuses it, by what the inventory says protects the machine. Who may go is decided in turns.ts.
 */
import type { Clock, Timer } from "../../../proto/base/clock.js";
import { CancelledError, DeadlineError, ExhaustedError, PermissionError } from "../../../proto/base/errors.js";
import type { Logger } from "../../../proto/base/logger.js";
import type { PowerVerb } from "../../ports/power.js";
import type { PowerStep } from "./plan.js";
import { admit, asked, awaitedBy, heard, left, noTurns, restOf, type Limits, type Rules, type Turns, type Wish } from "./turns.js";
import { allowedStartMs, isStart, restedMs } from "./wear.js";
import type { WearFile } from "./wear-file.js";

/** Beyond this a device is silent: what answers at all answers within a second, with one datagram lost and sent again. */
const silentMs = 3_000;

export interface PowerGateOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Acts under way on the whole agent; 0 = no limit. */
  readonly window: number;
  /** How long a machine stays off at least. */
  readonly settleMs: number;
  readonly wear: WearFile;
}

/** Which act asks, for its messages. */
export interface Asking {
  readonly node: string;
  readonly verb: PowerVerb;
  readonly queueMs: number;
}

/** Permission for one transition, until `end`. */
export interface Turn {
  /** How long it took to come. */
  readonly waitedMs: number;
  /** The step is sent as soon as this has resolved: by then it is on the disk. Throws PermissionError when power has been held back meanwhile. */
  sending(): Promise<void>;
  /** The device has refused the step, or it was not sent after all: it does not count. */
  refused(): Promise<void>;
  /** The device has answered. */
  heard(): void;
  /** Gives the turn back. Idempotent. */
  end(): void;
}

export class PowerGate {
  readonly #options: PowerGateOptions;
  #rules: Rules;
  #turns: Turns = noTurns;
  readonly #grants = new Map<number, () => void>();
  #wake: Timer | undefined;
  #lastTicket = 0;

  constructor(options: PowerGateOptions) {
    this.#options = options;
    const { window, settleMs } = options;
    this.#rules = { groups: new Map(), safety: new Map(), window, settleMs, silentMs };
  }

  /** From now on these limits, also for acts that wait already. */
  protect(limits: Limits): void {
    this.#rules = { ...this.#rules, ...limits };
    this.#settle();
  }

  /** Why this node's power must not be touched; "" = it may be. */
  hold(node: string): string {
    return this.#rules.safety.get(node)?.hold ?? "";
  }

  /** A place in the queue. An act takes one and keeps it. */
  ticket(): number {
    return (this.#lastTicket += 1);
  }

  /** How long a machine that was switched off must still stay off. */
  restMs(node: string): number {
    return Math.max(0, restedMs(this.#options.wear.of(node), restOf(node, this.#rules)) - this.#options.clock.monotonicMs());
  }

  /** Somebody has read the state of this node: that tells since when it is off. */
  seen(node: string, state: "on" | "off"): Promise<void> {
    return this.#options.wear.seen(node, state);
  }

  /**
   * Refuses an act of these steps before any is sent: PermissionError for power held back, ExhaustedError for a machine that was switched
   * on too often, or whose least time off is longer than the act may wait.
   */
  require({ node, verb, queueMs }: Asking, steps: readonly PowerStep[]): void {
    const { wear, clock } = this.#options;
    this.#requireUnheld(node, verb);
    const facts = { node };
    const perHour = this.#rules.safety.get(node)?.cyclesPerHour ?? 0;
    const inMs = allowedStartMs(wear.of(node), perHour, clock.monotonicMs()) - clock.monotonicMs();
    if (steps.some(isStart) && inMs > 0) {
      throw new ExhaustedError(
        `${node}: power ${verb}: it was switched on or reset ${perHour} times within an hour, and its inventory entry allows no more (cycles_per_hour); again in ${inWords(inMs)}`,
        { facts: { ...facts, againInMs: Math.ceil(inMs) } },
      );
    }
    if (!steps.includes("on")) return;
    const restMs = steps[0] === "on" ? this.restMs(node) : restOf(node, this.#rules);
    if (restMs <= queueMs) return;
    throw new ExhaustedError(
      `${node}: power ${verb}: it has to stay off for ${inWords(restMs)} (min_off), and the act may wait no longer than ${inWords(queueMs)}; ask again later, or let it wait longer`,
      { facts: { ...facts, againInMs: Math.ceil(restMs) } },
    );
  }

  /** Resolves when the transition's turn has come. Throws DeadlineError with what it waited for, CancelledError when `signal` aborts first. */
  enter(asking: Asking, wish: Wish, options?: { signal?: AbortSignal | undefined }): Promise<Turn> {
    const { clock, log } = this.#options;
    const signal = options?.signal;
    const askedMs = clock.monotonicMs();
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(CancelledError.from(signal));
      const timers: Timer[] = [];
      const done = () => {
        for (const timer of timers) timer.cancel();
        signal?.removeEventListener("abort", onAbort);
        this.#grants.delete(wish.ticket);
      };
      const giveUp = (error: Error) => {
        done();
        this.#leave(wish.ticket);
        reject(error);
      };
      const onAbort = () => giveUp(CancelledError.from(signal));
      this.#grants.set(wish.ticket, () => {
        done();
        resolve(this.#turn(asking, wish, clock.monotonicMs() - askedMs));
      });
      this.#turns = asked(this.#turns, wish);
      this.#settle();
      if (!this.#grants.has(wish.ticket)) return;
      log.info({ node: wish.node, verb: asking.verb, step: wish.step, for: this.#awaited(wish) }, "power act waits for its turn");
      signal?.addEventListener("abort", onAbort, { once: true });
      timers.push(clock.after(asking.queueMs, () => giveUp(this.#queuedTooLong(asking, wish))));
    });
  }

  #turn({ node, verb }: Asking, { ticket, step }: Wish, waitedMs: number): Turn {
    const { clock, wear } = this.#options;
    let sentMs: number | undefined;
    return {
      waitedMs,
      sending: async () => {
        this.#requireUnheld(node, verb);
        sentMs = await wear.sending(node, step);
        this.#turns = heard(this.#turns, ticket, { sent: true, heardMs: sentMs });
        this.#settle();
      },
      refused: async () => {
        if (sentMs !== undefined) await wear.refused(node, step, sentMs);
      },
      heard: () => {
        this.#turns = heard(this.#turns, ticket, { heardMs: clock.monotonicMs() });
      },
      end: () => this.#leave(ticket),
    };
  }

  #leave(ticket: number): void {
    this.#turns = left(this.#turns, ticket);
    this.#settle();
  }

  #settle(): void {
    const { clock, wear } = this.#options;
    const nowMs = clock.monotonicMs();
    const { turns, admitted, wakeMs } = admit(this.#turns, this.#rules, wear.all, nowMs);
    this.#turns = turns;
    this.#wake?.cancel();
    this.#wake = wakeMs === undefined ? undefined : clock.after(wakeMs - nowMs, () => this.#settle());
    for (const { ticket } of admitted) this.#grants.get(ticket)?.();
  }

  #requireUnheld(node: string, verb: PowerVerb): void {
    const hold = this.hold(node);
    if (hold === "") return;
    throw new PermissionError(
      `${node}: power ${verb}: its power is held back: ${hold}; to lift that, take "hold" out of its "power" in the inventory`,
      {
        facts: { node },
      },
    );
  }

  #awaited({ ticket }: Wish): string {
    return awaitedBy(ticket, this.#turns, this.#rules, this.#options.wear.all, this.#options.clock.monotonicMs());
  }

  #queuedTooLong({ node, verb, queueMs }: Asking, wish: Wish): DeadlineError {
    const lastSeen = `it waited for ${this.#awaited(wish)}; ${wish.step} was not sent`;
    return new DeadlineError({ subject: `${node}: power ${verb}`, awaited: "its turn", waitedMs: queueMs, lastSeen });
  }
}

function inWords(ms: number): string {
  return ms < 100_000 ? `${Number((ms / 1000).toFixed(1))} s` : `${Math.ceil(ms / 60_000)} min`;
}
