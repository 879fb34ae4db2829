/**
 * The Power port over any PowerDevice: read, decide, act at most once, verify.
 *
 * An act that has begun goes on when its callers are gone: a machine is not left off because a controller was restarted. One that still
 * waits for its turn is given up with the last of them.
 */
import { unlessAborted, withDeadline } from "../../../proto/base/abort.js";
import { CancelledError, ConflictError, UnsupportedError } from "../../../proto/base/errors.js";
import type { Management } from "../../ports/management.js";
import type { Power, PowerReading, PowerRequest, PowerResult, PowerState } from "../../ports/power.js";
import { Performance, type PerformanceOptions } from "./performance.js";
import { SharedAct } from "./shared-act.js";

export class VerifiedPower implements Power {
  readonly #options: PerformanceOptions;
  /** By key, until they have ended. */
  readonly #acts = new Map<string, SharedAct>();
  #last: { readonly what: string; readonly ended: Promise<void> } | undefined;

  constructor(options: PerformanceOptions) {
    this.#options = options;
  }

  read(options?: { signal?: AbortSignal | undefined }): Promise<PowerReading> {
    return this.#options.device.read(options);
  }

  get hold(): string {
    return this.#options.gate.hold(this.#options.node);
  }

  get underWay(): Promise<void> | undefined {
    return this.#last?.ended;
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
    const { node } = this.#options;
    const { key, verb, signal } = request;
    if (signal?.aborted) throw CancelledError.from(signal);
    const running = this.#acts.get(key);
    if (running !== undefined && !running.abandoned) {
      if (running.verb === verb) return { ...(await running.join(request)), replayed: true };
      throw new ConflictError(`${node}: power ${verb}: the key ${key} names a ${running.verb} that is under way; choose another`, {
        facts: { node },
      });
    }
    const earlier = this.#last;
    const act = new SharedAct(request, async (shared) => {
      const leftMs = earlier === undefined ? shared.queueMs : await this.#after(earlier, shared);
      if (shared.signal?.aborted) throw CancelledError.from(shared.signal);
      return new Performance(this.#options, { ...shared, queueMs: leftMs }).perform();
    });
    // One act at a time on a machine: whoever gives up waiting does not let the next one past.
    const last = { what: `power ${verb}`, ended: Promise.allSettled([earlier?.ended, act.result]).then(() => undefined) };
    this.#acts.set(key, act);
    this.#last = last;
    void last.ended.then(() => {
      if (this.#acts.get(key) === act) this.#acts.delete(key);
      if (this.#last === last) this.#last = undefined;
    });
    return act.wait(signal);
  }

  /** Waits for an earlier act on the machine; returns what is left of the time to wait. */
  async #after(earlier: { readonly what: string; readonly ended: Promise<unknown> }, request: PowerRequest): Promise<number> {
    const { clock, node } = this.#options;
    const { verb, queueMs, signal } = request;
    const beganMs = clock.monotonicMs();
    const lastSeen = () => `an earlier ${earlier.what} on it is under way; nothing was sent`;
    const wait = { subject: `${node}: power ${verb}`, awaited: "its turn", deadlineMs: queueMs, lastSeen };
    await withDeadline(clock, wait, (within) => unlessAborted(earlier.ended, within), { signal });
    return Math.max(0, queueMs - (clock.monotonicMs() - beganMs));
  }
}
