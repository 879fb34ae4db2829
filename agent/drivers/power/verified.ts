/**
 * The Power port over any PowerDevice: read, decide, act at most once, verify.
 *
 * An act that has begun goes on when its caller is gone: a machine is not left off because a controller was restarted. An act that an
 * earlier agent began is never sent again, except "on": a machine that is still off takes no harm from being switched on twice.
 */
import { unlessAborted, withDeadline } from "../../../proto/base/abort.js";
import { sleep, type Clock } from "../../../proto/base/clock.js";
import { CancelledError, ConflictError, LabError, UnsupportedError, type ErrorCode } from "../../../proto/base/errors.js";
import type { Logger } from "../../../proto/base/logger.js";
import type { Management } from "../../ports/management.js";
import type {
  Power,
  PowerDevice,
  PoweredConsole,
  PowerReading,
  PowerRequest,
  PowerResult,
  PowerSafety,
  PowerState,
} from "../../ports/power.js";
import type { Act, Acts } from "./acts.js";
import { stateAfter, stepsFor } from "./plan.js";

export interface VerifiedPowerOptions {
  readonly node: string;
  readonly device: PowerDevice;
  readonly safety: PowerSafety;
  readonly acts: Acts;
  readonly console: PoweredConsole;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long a machine stays off in a cycle: supplies and disks need it. */
  readonly settleMs: number;
  /** Between two readings of the state. */
  readonly pollMs: number;
}

/** The device said no: nothing was done. Anything else leaves it open, and the state decides. */
const refusals: ReadonlySet<ErrorCode> = new Set([
  "authentication",
  "permission",
  "unsupported",
  "invalid-argument",
  "exhausted",
  "failed",
]);
/** A device that cannot be asked just now: asked again until the deadline. */
const passing: ReadonlySet<ErrorCode> = new Set(["unreachable", "deadline", "exhausted", "conflict"]);

export class VerifiedPower implements Power {
  readonly #options: VerifiedPowerOptions;
  readonly #running = new Map<string, Promise<PowerResult>>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: VerifiedPowerOptions) {
    this.#options = options;
  }

  read(options?: { signal?: AbortSignal | undefined }): Promise<PowerReading> {
    return this.#options.device.read(options);
  }

  get hold(): string {
    return this.#options.safety.hold;
  }

  get management(): Management {
    const { device, node } = this.#options;
    if (device.management !== undefined) return device.management;
    throw new UnsupportedError(`${node}: ${device.label} can switch power and nothing else; this needs a BMC`, { facts: { node } });
  }

  async confirm(state: PowerState): Promise<PowerReading> {
    const { device, node } = this.#options;
    if (device.confirm === undefined) {
      throw new UnsupportedError(`${node}: ${device.label} is asked itself; only power by hand is confirmed by an operator`, {
        facts: { node },
      });
    }
    await device.confirm(state);
    return this.read();
  }

  async set(request: PowerRequest): Promise<PowerResult> {
    const running = this.#running.get(request.key);
    if (running !== undefined) return { ...(await unlessAborted(running, request.signal)), replayed: true };
    // One act at a time on a machine.
    const act = this.#last.then(() => this.#perform(request));
    this.#running.set(request.key, act);
    this.#last = act.catch(() => undefined).finally(() => this.#running.delete(request.key));
    return unlessAborted(act, request.signal);
  }

  async #perform(request: PowerRequest): Promise<PowerResult> {
    if (request.signal?.aborted) throw CancelledError.from(request.signal);
    const { node, acts, clock } = this.#options;
    const known = await acts.find(node, request.key);
    if (known !== undefined && known.verb !== request.verb) {
      throw new ConflictError(`${node}: power ${request.verb}: the key ${request.key} names an earlier ${known.verb}; choose another`, {
        facts: { node },
      });
    }
    if (known?.result !== undefined) return { ...known.result, replayed: true };
    const watch = new Watch(this.#options);
    const wait = {
      subject: `${node}: power ${request.verb}`,
      awaited: awaitedBy(request),
      deadlineMs: request.deadlineMs,
      lastSeen: () => watch.lastSeen,
    };
    return withDeadline(clock, wait, (signal) => {
      return known === undefined ? this.#begin(request, watch, signal) : this.#resume(known, watch, signal);
    });
  }

  async #begin(request: PowerRequest, watch: Watch, signal: AbortSignal): Promise<PowerResult> {
    const { node, console, clock, log } = this.#options;
    const { verb, key } = request;
    const before = (await this.read({ signal })).state;
    const [first] = stepsFor(verb, before);
    if (first === undefined) {
      return {
        before,
        after: before,
        acted: false,
        elapsedMs: watch.elapsedMs,
        replayed: false,
        witnessed: true,
        consoleOffset: console.endOffset(),
        packets: 0,
        waitedMs: 0,
      };
    }
    if (request.signal?.aborted) throw CancelledError.from(request.signal);
    log.info({ node, verb, act: key, before }, "power act begins");
    const act = { node, key, verb, before, consoleOffset: console.markPower(verb), begunMs: clock.now(), step: first };
    return this.#run(act, { resumed: false, watch, signal });
  }

  #resume(act: Act, watch: Watch, signal: AbortSignal): Promise<PowerResult> {
    const { node, verb, key, step } = act;
    this.#options.log.warn({ node, verb, act: key, step }, "power act was begun before and has no end; its state is read");
    watch.remark = `"${step}" was begun before and is not sent twice`;
    return this.#run(act, { resumed: true, watch, signal });
  }

  async #run(begun: Act, how: { resumed: boolean; watch: Watch; signal: AbortSignal }): Promise<PowerResult> {
    const { acts, clock, settleMs } = this.#options;
    const { watch, signal } = how;
    const steps = stepsFor(begun.verb, begun.before);
    let witnessed = !how.resumed;
    let act = begun;
    for (const step of steps.slice(steps.indexOf(begun.step))) {
      const sentBefore = how.resumed && step === begun.step;
      if (step !== begun.step) await sleep(clock, settleMs, { signal });
      act = { ...act, step };
      await acts.write(act);
      const send = !sentBefore || (step === "on" && (await watch.read(signal)) !== "on");
      if (send) witnessed = (await this.#send(act, signal)) && witnessed;
      await watch.until(stateAfter[step], signal);
    }
    const { before, consoleOffset } = act;
    const after = stateAfter[act.step];
    const result = {
      before,
      after,
      acted: true,
      elapsedMs: watch.elapsedMs,
      replayed: false,
      witnessed,
      consoleOffset,
      packets: 0,
      waitedMs: 0,
    };
    await acts.write({ ...act, result });
    this.#options.log.info({ node: act.node, verb: act.verb, act: act.key, ...result }, "power act verified");
    return result;
  }

  /** False when it stays open whether the device acted and the state cannot tell. Throws what the device refused. */
  async #send(act: Act, signal: AbortSignal): Promise<boolean> {
    const { device, acts, log, node } = this.#options;
    try {
      await device.send(act.step, { signal });
      return true;
    } catch (err) {
      if (signal.aborted) throw err;
      if (err instanceof LabError && refusals.has(err.code)) {
        if (act.step === stepsFor(act.verb, act.before)[0]) await acts.forget(act);
        throw err;
      }
      log.warn({ err, node, step: act.step }, "power act without an answer; its state is read");
      return act.step !== "reset";
    }
  }
}

/** Reads the state again and again, and remembers what it saw for whoever asks why it took so long. */
class Watch {
  /** Said with what was seen. */
  remark = "";
  readonly #options: Pick<VerifiedPowerOptions, "device" | "clock" | "pollMs">;
  readonly #beganMs: number;
  #seen: string | undefined;

  constructor(options: Pick<VerifiedPowerOptions, "device" | "clock" | "pollMs">) {
    this.#options = options;
    this.#beganMs = options.clock.monotonicMs();
  }

  get elapsedMs(): number {
    return Math.round(this.#options.clock.monotonicMs() - this.#beganMs);
  }

  get lastSeen(): string | undefined {
    return [this.#seen, this.remark].filter((each) => each !== undefined && each !== "").join("; ") || undefined;
  }

  /** Undefined when the device cannot be asked just now. */
  async read(signal: AbortSignal): Promise<PowerState | undefined> {
    try {
      const { state } = await this.#options.device.read({ signal });
      this.#seen = `power ${state} after ${(this.elapsedMs / 1000).toFixed(1)} s`;
      return state;
    } catch (error) {
      if (signal.aborted || !(error instanceof LabError) || !passing.has(error.code)) throw error;
      this.#seen = error.message;
      return undefined;
    }
  }

  async until(state: PowerState, signal: AbortSignal): Promise<void> {
    while ((await this.read(signal)) !== state) await sleep(this.#options.clock, this.#options.pollMs, { signal });
  }
}

function awaitedBy(request: PowerRequest): string {
  if (request.verb === "cycle") return "power off, then on";
  return request.verb === "soft" ? "the operating system to power off" : `power ${stateAfter[request.verb]}`;
}
