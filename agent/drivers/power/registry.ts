/** The one table of power drivers: how a node's power is reached. */
import type { Clock } from "../../../proto/base/clock.js";
import type { BmcOptions } from "../../ipmi/index.js";
import type { PowerDevice } from "../../ports/power.js";
import type { BmcPool } from "../bmc.js";
import { CommandPowerDevice } from "./command.js";
import { openIpmiPower } from "./ipmi.js";

/** What a node's assignment says; a command wins over a BMC: it is given because the BMC is not to be used. */
export interface PowerTarget {
  /** Program and arguments; empty = none. */
  readonly command: readonly string[];
  readonly bmc: BmcOptions | undefined;
}

export interface PowerMeans {
  readonly clock: Clock;
  readonly bmcs: BmcPool;
}

/** A driver makes its device, or undefined when the target is not for it. Tried in order. */
type PowerDriver = (target: PowerTarget, means: PowerMeans) => PowerDevice | undefined;

const powerDrivers: readonly PowerDriver[] = [
  ({ command }, { clock }) => (command.length === 0 ? undefined : new CommandPowerDevice({ argv: command, clock })),
  ({ bmc }, { bmcs }) => (bmc === undefined ? undefined : openIpmiPower(bmcs, bmc)),
];

/** The device for a target, undefined when it names none. Throws InvalidArgumentError for what a driver cannot understand. */
export function powerDevice(target: PowerTarget, means: PowerMeans): PowerDevice | undefined {
  for (const driver of powerDrivers) {
    const device = driver(target, means);
    if (device !== undefined) return device;
  }
  return undefined;
}
