/**
 * Chassis power by a Redfish service (DMTF DSP0266), and what else of it a lab can use.
 *
 * endpoint → trust → exchange → login → service → system → here and management, each knowing only those before it. No secret leaves
 * before the certificate was checked; a session that was opened is closed; what acts is sent once, and only what the service answered
 * with 401 (it did not know us, so it did nothing) goes a second time, under a new session.
 */
import type { Clock } from "../../../../proto/base/clock.js";
import type { PowerDevice } from "../../../ports/power.js";
import { IdentifyLight } from "./identify.js";
import { RedfishManagement } from "./management.js";
import type { RedfishServices, ServiceTarget } from "./service.js";
import { ComputerSystem } from "./system.js";

export interface RedfishPowerOptions {
  readonly services: RedfishServices;
  /** `system`: "/redfish/v1/Systems/1"; "" = the only one there is. */
  readonly target: ServiceTarget & { readonly system: string };
  readonly clock: Clock;
}

/** Sends nothing before it is used. Throws InvalidArgumentError for a URL it cannot go to or credentials that differ from another node's. */
export function openRedfishPower({ services, target, clock }: RedfishPowerOptions): PowerDevice {
  const { service, release } = services.acquire(target);
  const system = new ComputerSystem(service, target.system);
  const light = new IdentifyLight(system, clock);
  return {
    label: target.system === "" ? service.label : `${service.label} ${target.system}`,
    read: (options) => system.read(options),
    send: (verb, options) => system.reset(verb, options),
    packets: () => service.packets,
    management: new RedfishManagement({ system, light, clock }),
    async close() {
      await light.close();
      await release();
    },
  };
}
