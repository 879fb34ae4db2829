/**
 * One act on a machine's power, from the first reading to the result: read, decide, wait for its turn, send once, verify.
 *
 * A step is on the disk before it is sent, and is never sent again while it is known to have been sent. Only "on" is, after a restart of
 * the agent that may have come between the two: a machine that is still off takes no harm from being switched on twice.
 */
import { withDeadline } from "../../../proto/base/abort.js";
import { sleep, type Clock } from "../../../proto/base/clock.js";
import { CancelledError, ConflictError, DeadlineError, LabError, type ErrorCode } from "../../../proto/base/errors.js";
import type { Logger } from "../../../proto/base/logger.js";
import {
  NotSentError,
  type PowerDevice,
  type PoweredConsole,
  type PowerReading,
  type PowerRequest,
  type PowerResult,
} from "../../ports/power.js";
import type { Act, Acts } from "./acts.js";
import type { PowerGate, Turn } from "./gate.js";
import { stateAfter, stepsFor, type PowerStep } from "./plan.js";
import { Watch } from "./watch.js";

export interface PerformanceOptions {
  readonly node: string;
  readonly device: PowerDevice;
  readonly gate: PowerGate;
  readonly acts: Acts;
  readonly console: PoweredConsole;
  readonly clock: Clock;
  readonly log: Logger;
  /** Between two readings of the state. */
  readonly pollMs: number;
}

/** The device said no: nothing was done. Anything else leaves it open, and the state decides. */
const refusals: ReadonlySet<ErrorCode> = new Set([
  "authentication",
  "permission",
  "unsupported",
  "invalid-argument",
  "not-found",
  "conflict",
  "failed",
]);
/** A decision is made on a reading no older than this: beyond it the device is asked again, and has as long to answer. */
const freshMs = 3_000;
/** What a further step has at least: a machine is not left off because its off took nearly all the time there was. */
const furtherMs = 30_000;

const awaitedAfter: Readonly<Record<PowerStep, string>> = {
  on: "power on",
  off: "power off",
  soft: "the operating system to power off",
  reset: "power on after a reset",
};

export class Performance {
  readonly #options: PerformanceOptions;
  readonly #request: PowerRequest;
  readonly #watch: Watch;
  readonly #ticket: number;
  readonly #beganMs: number;
  readonly #packetsBefore: number;
  /** Of the request's deadline, what is left: only time with a turn counts. */
  #leftMs: number;
  #waitedMs = 0;

  constructor(options: PerformanceOptions, request: PowerRequest) {
    this.#options = options;
    this.#request = request;
    this.#watch = new Watch(options);
    this.#ticket = options.gate.ticket();
    this.#beganMs = options.clock.monotonicMs();
    this.#packetsBefore = options.device.packets?.() ?? 0;
    this.#leftMs = request.deadlineMs;
  }

  async perform(): Promise<PowerResult> {
    const { node, acts } = this.#options;
    const { key, verb } = this.#request;
    const known = await acts.find(node, key);
    if (known === undefined) return this.#begin();
    if (known.verb !== verb) {
      throw new ConflictError(`${node}: power ${verb}: the key ${key} names an earlier ${known.verb}; choose another`, { facts: { node } });
    }
    return known.result === undefined ? this.#resume(known) : { ...known.result, replayed: true };
  }

  async #begin(): Promise<PowerResult> {
    const { node, console, clock, acts, log } = this.#options;
    const { verb, key } = this.#request;
    const decided = await this.#decide();
    if (decided.turn === undefined) return this.#nothingToDo(decided.reading);
    const { reading, steps, turn } = decided;
    this.#watch.restart();
    try {
      const { state: before, start } = reading;
      const step = steps[0] as PowerStep;
      log.info({ node, verb, act: key, before, waitedMs: Math.round(this.#waitedMs) }, "power act begins");
      const consoleOffset = console.markPower(verb);
      const act = { node, key, verb, before, start, consoleOffset, begunMs: clock.now(), step, life: acts.life };
      return await this.#run(act, { steps, turn, witnessed: true });
    } finally {
      turn.end();
    }
  }

  /** What there is to do, by a reading that is still fresh when the turn has come. No turn = nothing. */
  async #decide(): Promise<{ reading: PowerReading; steps: readonly PowerStep[]; turn: Turn | undefined }> {
    const { node, gate } = this.#options;
    const { verb, signal, permit } = this.#request;
    let reading = await this.#firstReading();
    for (;;) {
      await gate.seen(node, reading.state);
      const steps = stepsFor(verb, reading.state);
      const [first] = steps;
      if (first === undefined) return { reading, steps, turn: undefined };
      const asking = this.#asking();
      gate.require(asking, steps);
      const turn = await gate.enter(asking, { ticket: this.#ticket, node, step: first, sent: false }, { signal });
      this.#waitedMs += turn.waitedMs;
      try {
        const now = turn.waitedMs < freshMs ? reading : await this.#readBriefly();
        if (signal?.aborted) throw CancelledError.from(signal);
        if (now !== undefined && stepsFor(verb, now.state)[0] === first) {
          await permit?.();
          return { reading: now, steps, turn };
        }
        turn.end();
        // It keeps its place in the queue: the ticket is the same.
        reading = now ?? (await this.#firstReading());
      } catch (error) {
        turn.end();
        throw error;
      }
    }
  }

  /** Goes on with an act whose end nobody saw. What it was told last is not sent again unless it may never have been sent. */
  async #resume(act: Act): Promise<PowerResult> {
    const { node, gate, acts, log } = this.#options;
    const { verb, key, step } = act;
    log.warn({ node, verb, act: key, step }, "power act was begun before and has no end; its state is read");
    this.#watch.remark = `"${step}" was begun before and is not sent twice`;
    const steps = stepsFor(verb, act.before);
    const rest = steps.slice(steps.indexOf(step));
    const reading = await this.#within(step, (signal) => this.#watch.until(() => true, signal));
    await gate.seen(node, reading.state);
    // A start that is another one proves that the machine was reset.
    const witnessed = step === "reset" && act.start !== undefined;
    if (isDone(act, reading)) return this.#run(act, { steps: rest.slice(1), witnessed });
    if (step === "on" && act.life !== acts.life) return this.#run(act, { steps: rest, witnessed });
    const turn = await this.#enter(step, true);
    try {
      await this.#verify(act, turn);
    } finally {
      turn.end();
    }
    return this.#run(act, { steps: rest.slice(1), witnessed });
  }

  async #run(begun: Act, how: { steps: readonly PowerStep[]; turn?: Turn; witnessed: boolean }): Promise<PowerResult> {
    const { acts, log } = this.#options;
    let { witnessed } = how;
    let act = begun;
    for (const step of how.steps) {
      const turn = step === how.steps[0] && how.turn !== undefined ? how.turn : await this.#enter(step, false);
      if (!isFirst({ ...act, step })) this.#leftMs = Math.max(this.#leftMs, furtherMs);
      try {
        const seen = await this.#step({ ...act, step, life: acts.life }, act, turn);
        witnessed = witnessed && seen;
      } finally {
        turn.end();
      }
      act = { ...act, step };
    }
    const result = this.#result({
      before: act.before,
      after: stateAfter[act.step],
      acted: true,
      witnessed,
      consoleOffset: act.consoleOffset,
    });
    await acts.write({ ...act, result });
    log.info({ node: act.node, verb: act.verb, act: act.key, ...result }, "power act verified");
    return result;
  }

  /** Sends one step and sees it done. False when it stays open whether the device did it. `previous` stands again when it refuses. */
  async #step(act: Act, previous: Act, turn: Turn): Promise<boolean> {
    let answered = true;
    await this.#within(act.step, async (signal) => {
      // What is sent only once must not be what finds the device silent: nobody could tell whether it arrived.
      if (this.#watch.ageMs > freshMs) await this.#watch.until(() => true, signal);
      await this.#options.acts.write(act);
      try {
        await turn.sending();
        if (signal.aborted) throw CancelledError.from(signal);
      } catch (error) {
        await turn.refused();
        await this.#undo(act, previous);
        throw error;
      }
      answered = await this.#send(act, previous, turn, signal);
    });
    await this.#verify(act, turn);
    return answered || (act.step === "reset" ? act.start !== undefined : true);
  }

  /** False when its answer was lost. Throws what the device refused. One that is busy just now has done nothing, and is told again. */
  async #send(act: Act, previous: Act, turn: Turn, signal: AbortSignal): Promise<boolean> {
    const { device, log, node, clock, pollMs } = this.#options;
    try {
      await device.send(act.step, { signal });
      turn.heard();
      this.#watch.remark = "";
      return true;
    } catch (err) {
      if (signal.aborted) throw err;
      const passes = isOfTheMoment(err, act);
      if (passes) {
        turn.heard();
        this.#watch.remark = err.message;
        await sleep(clock, pollMs, { signal }).catch(() => undefined);
        if (!signal.aborted) return this.#send(act, previous, turn, signal);
      }
      if (passes || (err instanceof LabError && refusals.has(err.code))) {
        await turn.refused();
        await this.#undo(act, previous);
        throw err;
      }
      this.#watch.remark = `"${act.step}" was sent, its reply was lost, and it is not sent twice; to send it again: lab power ${act.step} ${node}`;
      log.warn({ err, node, step: act.step }, "power act without an answer; its state is read");
      return false;
    }
  }

  async #verify(act: Act, turn: Turn): Promise<void> {
    const { gate, node } = this.#options;
    this.#watch.onReading = () => turn.heard();
    const { state } = await this.#within(act.step, (signal) => this.#watch.until((reading) => isDone(act, reading), signal));
    await gate.seen(node, state);
  }

  /** The step was not done: the same key may try it again. */
  async #undo(act: Act, previous: Act): Promise<void> {
    const { acts } = this.#options;
    if (isFirst(act)) await acts.forget(act);
    else await acts.write(previous);
  }

  /** The turn of a further step. Nobody can call it off: the machine was switched off to be switched on again. */
  async #enter(step: PowerStep, sent: boolean): Promise<Turn> {
    const { node, gate, clock } = this.#options;
    // In a cycle the time off is part of the act, not a wait for others.
    if (step === "on" && !sent) await sleep(clock, gate.restMs(node));
    const turn = await gate.enter({ ...this.#asking(), queueMs: this.#request.queueMs }, { ticket: this.#ticket, node, step, sent });
    this.#waitedMs += turn.waitedMs;
    this.#watch.restart();
    return turn;
  }

  #asking() {
    const { verb, queueMs } = this.#request;
    return { node: this.#options.node, verb, queueMs: Math.max(0, queueMs - this.#waitedMs) };
  }

  /** Outside of the gate: a device that is silent now keeps nobody waiting. */
  #firstReading(): Promise<PowerReading> {
    const { signal, deadlineMs } = this.#request;
    const wait = { subject: this.#subject, awaited: "its state", deadlineMs };
    return withDeadline(this.#options.clock, wait, (within) => this.#watch.read(within), { signal });
  }

  /** Undefined when the device has gone silent meanwhile. */
  async #readBriefly(): Promise<PowerReading | undefined> {
    const { clock } = this.#options;
    const wait = { subject: this.#subject, awaited: "its state", deadlineMs: freshMs };
    try {
      return await withDeadline(clock, wait, (within) => this.#watch.read(within), { signal: this.#request.signal });
    } catch (error) {
      if (error instanceof DeadlineError) return undefined;
      throw error;
    }
  }

  /** Runs what a step takes within what is left of the deadline. */
  async #within<T>(step: PowerStep, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { clock } = this.#options;
    const beganMs = clock.monotonicMs();
    const wait = { subject: this.#subject, awaited: awaitedAfter[step], deadlineMs: this.#leftMs, lastSeen: () => this.#watch.lastSeen };
    try {
      return await withDeadline(clock, wait, work);
    } finally {
      this.#leftMs = Math.max(1, this.#leftMs - (clock.monotonicMs() - beganMs));
    }
  }

  get #subject(): string {
    return `${this.#options.node}: power ${this.#request.verb}`;
  }

  #nothingToDo({ state }: PowerReading): PowerResult {
    const consoleOffset = this.#options.console.endOffset();
    return this.#result({ before: state, after: state, acted: false, witnessed: true, consoleOffset });
  }

  #result(result: Pick<PowerResult, "before" | "after" | "acted" | "witnessed" | "consoleOffset">): PowerResult {
    const { clock, device } = this.#options;
    return {
      ...result,
      elapsedMs: Math.round(clock.monotonicMs() - this.#beganMs),
      replayed: false,
      packets: (device.packets?.() ?? 0) - this.#packetsBefore,
      waitedMs: Math.round(this.#waitedMs),
    };
  }
}

/** False for the on of a cycle: the machine was switched off for it. */
function isFirst({ verb, before, step }: Act): boolean {
  return step === stepsFor(verb, before)[0];
}

/** Nothing was done, and the same may be told again. A machine may refuse to go on while it is still on its way off (IPMI: 0xD5, 0xFF). */
function isOfTheMoment(err: unknown, act: Act): err is LabError {
  if (!(err instanceof LabError)) return false;
  const refused = err.code === "unsupported" || err.code === "failed";
  return err.code === "exhausted" || err instanceof NotSentError || (refused && !isFirst(act));
}

/** A reset leaves no trace in the state, but where the device tells when the machine started. */
function isDone({ step, start }: Act, reading: PowerReading): boolean {
  if (reading.state !== stateAfter[step]) return false;
  return step !== "reset" || start === undefined || (reading.start !== undefined && reading.start !== start);
}
