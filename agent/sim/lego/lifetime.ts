/** Everything a running kernel or module has begun and must drop the instant its machine stops. */
import type { Timer } from "../../../proto/base/clock.js";
import type { MachineTime } from "../kernel.js";

export class Lifetime {
  readonly #time: MachineTime;
  readonly #releases = new Set<() => void>();
  #ended = false;

  constructor(time: MachineTime) {
    this.#time = time;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Calls `fire` after machine milliseconds, unless the machine stops first. */
  after(machineMs: number, fire: () => void): Timer {
    if (this.#ended) return { cancel: () => undefined };
    const timer = this.#time.after(machineMs, () => {
      this.#releases.delete(cancel);
      fire();
    });
    const cancel = () => timer.cancel();
    this.#releases.add(cancel);
    return {
      cancel: () => {
        this.#releases.delete(cancel);
        timer.cancel();
      },
    };
  }

  /** Resolves after machine milliseconds; never when the machine stops first: whoever waits has ceased to exist. */
  pause(machineMs: number): Promise<void> {
    return new Promise((resolve) => void this.after(machineMs, resolve));
  }

  /** Runs at the end; at once when that has come. */
  atEnd(release: () => void): void {
    if (this.#ended) release();
    else this.#releases.add(release);
  }

  /** Idempotent. */
  end(): void {
    this.#ended = true;
    for (const release of this.#releases) release();
    this.#releases.clear();
  }
}
