/** Chassis power by a BMC. */
import { UnsupportedError } from "../../../proto/base/errors.js";
import type { PowerDevice, PowerReading } from "../../ports/power.js";
import type { Bmc, BmcOptions } from "../../ipmi/index.js";
import type { BmcPool } from "../bmc.js";
import { IpmiManagement } from "../bmc-management.js";
import { askedBefore } from "./answer.js";

/** Power of the machine behind a BMC. Throws InvalidArgumentError when the pool holds it with other credentials. */
export function openIpmiPower(pool: BmcPool, options: BmcOptions): PowerDevice {
  const lease = pool.acquire(options);
  const { bmc, release } = lease;
  return {
    label: bmc.label,
    read: (options) => read(bmc, options),
    async send(verb, options) {
      // Some BMCs answer "done" to a reset of a machine that is off, and others switch it on.
      if (verb === "reset" && (await askedBefore(read(bmc, options))).state === "off") {
        throw new UnsupportedError(`${bmc.label}: reset needs a machine that is on; use on`, { facts: { bmc: bmc.label } });
      }
      await bmc.chassisControl(verb, options);
    },
    packets() {
      const { sent, received } = bmc.traffic();
      return sent + received;
    },
    management: new IpmiManagement(lease, options),
    close: release,
  };
}

async function read(bmc: Bmc, options?: { signal?: AbortSignal | undefined }): Promise<PowerReading> {
  const { power, lastEvent } = await bmc.chassisStatus(options);
  const events = [
    lastEvent.onByCommand && "switched on by IPMI command",
    lastEvent.acFailed && "AC failed",
    lastEvent.overload && "overload",
    lastEvent.interlock && "interlock",
    lastEvent.fault && "power fault",
  ];
  return {
    state: power.on ? "on" : "off",
    fault: power.fault || power.controlFault || power.overload,
    lastEvent: events.filter(Boolean).join(", "),
  };
}
