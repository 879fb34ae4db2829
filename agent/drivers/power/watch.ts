/** Reads a machine's power again and again, and remembers what it saw for whoever asks why it took so long. */
import { sleep, type Clock } from "../../../proto/base/clock.js";
import { LabError, type ErrorCode } from "../../../proto/base/errors.js";
import type { PowerDevice, PowerReading } from "../../ports/power.js";

/** A device that cannot be asked just now: asked again until the deadline. */
const passing: ReadonlySet<ErrorCode> = new Set(["unreachable", "deadline", "exhausted", "conflict"]);

export interface WatchOptions {
  readonly device: PowerDevice;
  readonly clock: Clock;
  /** Between two readings. */
  readonly pollMs: number;
}

export class Watch {
  /** Said with what was seen. */
  remark = "";
  /** Told every reading. */
  onReading: (reading: PowerReading) => void = () => {};
  readonly #options: WatchOptions;
  #beganMs: number;
  #seen: string | undefined;
  #readMs = -Infinity;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#beganMs = options.clock.monotonicMs();
  }

  get lastSeen(): string | undefined {
    return [this.#seen, this.remark].filter((each) => each !== undefined && each !== "").join("; ") || undefined;
  }

  /** Since the device answered last. */
  get ageMs(): number {
    return this.#options.clock.monotonicMs() - this.#readMs;
  }

  /** What is seen from now on is told with the time since now. */
  restart(): void {
    this.#beganMs = this.#options.clock.monotonicMs();
    this.#seen = undefined;
  }

  async read(signal: AbortSignal | undefined): Promise<PowerReading> {
    const reading = await this.#options.device.read({ signal });
    this.#readMs = this.#options.clock.monotonicMs();
    const ms = this.#readMs - this.#beganMs;
    this.#seen = `power ${reading.state} after ${(ms / 1000).toFixed(1)} s`;
    this.onReading(reading);
    return reading;
  }

  /** The first reading that is as wanted; a device that cannot be asked just now is asked again. */
  async until(wanted: (reading: PowerReading) => boolean, signal: AbortSignal): Promise<PowerReading> {
    const { clock, pollMs } = this.#options;
    for (;;) {
      try {
        const reading = await this.read(signal);
        if (wanted(reading)) return reading;
      } catch (error) {
        if (signal.aborted || !(error instanceof LabError) || !passing.has(error.code)) throw error;
        this.#seen = error.message;
      }
      await sleep(clock, pollMs, { signal });
    }
  }
}
