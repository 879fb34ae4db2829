/** The light that shows which machine it is: LocationIndicatorActive, or IndicatorLED of older services; of the system or its chassis. */
import type { Clock, Timer } from "../../../../proto/base/clock.js";
import { InvalidArgumentError, UnsupportedError } from "../../../../proto/base/errors.js";
import { membersIn } from "./json.js";
import type { Resource } from "./service.js";
import type { ComputerSystem } from "./system.js";

interface Waiting {
  readonly signal?: AbortSignal | undefined;
}

export class IdentifyLight {
  readonly #system: ComputerSystem;
  readonly #clock: Clock;
  #timer: Timer | undefined;

  constructor(system: ComputerSystem, clock: Clock) {
    this.#system = system;
    this.#clock = clock;
  }

  /** Redfish knows no duration: after `how` seconds it is us who switch the light off. UnsupportedError where there is none. */
  async set(how: number | "off" | "forever", options?: Waiting): Promise<void> {
    if (typeof how === "number" && !(how >= 1 && how <= 255)) {
      throw new InvalidArgumentError(`${this.#system.service.label}: identify: seconds are 1 to 255, not ${how}`);
    }
    this.#timer?.cancel();
    this.#timer = undefined;
    await this.#light(how !== "off", options);
    if (typeof how !== "number") return;
    this.#timer = this.#clock.after(
      how * 1000,
      () => {
        this.#timer = undefined;
        // Nobody waits for it, and nobody could do anything about it.
        void this.#light(false).catch(() => undefined);
      },
      { background: true },
    );
  }

  /** A light that was to go out goes out now: later nobody would switch it off. */
  async close(): Promise<void> {
    if (this.#timer === undefined) return;
    this.#timer.cancel();
    this.#timer = undefined;
    await this.#light(false).catch(() => undefined);
  }

  async #light(on: boolean, options?: Waiting): Promise<void> {
    const { service } = this.#system;
    const system = await this.#system.resource(options);
    if (await this.#set(system, on, options)) return;
    for (const path of membersIn(system.json["Links"], "Chassis")) {
      if (await this.#set(await service.get(path, options), on, options)) return;
    }
    throw new UnsupportedError(`${service.label}: neither the system nor its chassis has a light to identify it`);
  }

  /** False when the resource has no such light. */
  async #set(resource: Resource, on: boolean, options?: Waiting): Promise<boolean> {
    const { LocationIndicatorActive: active, IndicatorLED: led } = resource.json;
    if (typeof active === "boolean") await this.#system.service.patch(resource, { LocationIndicatorActive: on }, options);
    else if (typeof led === "string") await this.#system.service.patch(resource, { IndicatorLED: on ? "Blinking" : "Off" }, options);
    else return false;
    return true;
  }
}
