/** What a Redfish service can do beside power. */
import type { Clock } from "../../../../proto/base/clock.js";
import type { BmcReport, BootOverride, EventLog, Management, SensorReading } from "../../../ports/management.js";
import { readBootOverride, setBootOverride } from "./boot-override.js";
import { readEventLog } from "./event-log.js";
import type { IdentifyLight } from "./identify.js";
import { probe } from "./probe.js";
import { readSensors } from "./sensors.js";
import type { ComputerSystem } from "./system.js";

interface Waiting {
  readonly signal?: AbortSignal | undefined;
}

export class RedfishManagement implements Management {
  readonly #system: ComputerSystem;
  readonly #light: IdentifyLight;
  readonly #clock: Clock;

  constructor(options: { system: ComputerSystem; light: IdentifyLight; clock: Clock }) {
    this.#system = options.system;
    this.#light = options.light;
    this.#clock = options.clock;
  }

  probe(options?: Waiting): Promise<BmcReport> {
    return probe(this.#system, this.#clock, options);
  }

  identify(how: number | "off" | "forever", options?: Waiting): Promise<void> {
    return this.#light.set(how, options);
  }

  eventLog(limit: number, options?: Waiting): Promise<EventLog> {
    return readEventLog(this.#system, limit, options);
  }

  sensors(options?: Waiting): Promise<readonly SensorReading[]> {
    return readSensors(this.#system, options);
  }

  interrupt(options?: Waiting): Promise<void> {
    return this.#system.reset("interrupt", options);
  }

  bootOverride(options?: Waiting): Promise<BootOverride> {
    return readBootOverride(this.#system, options);
  }

  setBootOverride(boot: BootOverride, options?: Waiting): Promise<BootOverride> {
    return setBootOverride(this.#system, boot, options);
  }
}
