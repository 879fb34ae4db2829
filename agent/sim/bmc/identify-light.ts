/** The light by which one finds a machine in its rack. */
import type { Clock, Timer } from "../../../proto/base/clock.js";
import { chassisIdentify } from "../../ipmi/command/index.js";
import { answers, type CommandEntry } from "./command-table.js";

const usualSeconds = 15;

export class IdentifyLight {
  readonly #clock: Clock;
  #lit: "off" | "for a while" | "until told" = "off";
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** As Get Chassis Status codes it: 0 off, 1 for a while, 2 until told (Table 28-3). */
  get state(): number {
    return ["off", "for a while", "until told"].indexOf(this.#lit);
  }

  commands(): readonly CommandEntry[] {
    return [
      answers(chassisIdentify, "operator", ({ seconds = usualSeconds, force }) => {
        this.out();
        if (force?.on === true) this.#lit = "until told";
        else if (seconds > 0) this.#lightFor(seconds);
        return {};
      }),
    ];
  }

  /** Idempotent. */
  out(): void {
    this.#timer?.cancel();
    this.#lit = "off";
  }

  #lightFor(seconds: number): void {
    this.#lit = "for a while";
    this.#timer = this.#clock.after(seconds * 1000, () => this.out(), { background: true });
  }
}
