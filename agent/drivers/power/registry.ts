/** The one table of power drivers: how a node's power is reached. */
import type { Clock } from "../../../proto/base/clock.js";
import type { BmcOptions } from "../../ipmi/index.js";
import type { Machine } from "../../ports/facts.js";
import type { PowerDevice } from "../../ports/power.js";
import type { BmcPool } from "../bmc.js";
import { AgentPowerDevice } from "./agent-soft.js";
import { CommandPowerDevice } from "./command.js";
import { openIpmiPower } from "./ipmi.js";
import { LibvirtPowerDevice } from "./libvirt.js";
import { ManualPowerDevice } from "./manual.js";
import { openRedfishPower } from "./redfish/device.js";
import type { RedfishServices } from "./redfish/service.js";

/** What a node's assignment says. Other means win over the BMC: they are given because IPMI is not to be used for power. */
export interface PowerTarget {
  readonly node: string;
  readonly bmc: BmcOptions | undefined;
  readonly means:
    | { readonly kind: "command"; readonly argv: readonly string[] }
    | ({ readonly kind: "redfish" } & RedfishTarget)
    | { readonly kind: "libvirt"; readonly uri: string; readonly domain: string }
    | { readonly kind: "agent" }
    | { readonly kind: "manual"; readonly note: string }
    | undefined;
}

export interface RedfishTarget {
  /** "https://10.0.1.10". */
  readonly url: string;
  readonly username: string;
  readonly password: string;
  /** "/redfish/v1/Systems/1"; "" = the only one there is. */
  readonly system: string;
  /** SHA-256 of the certificate, 64 lower-case hexadecimal digits; "" = signed by an authority this machine trusts. */
  readonly fingerprint: string;
}

export interface PowerMeans {
  readonly clock: Clock;
  readonly bmcs: BmcPool;
  /** The node as this agent acts on it itself; undefined while it does not. */
  readonly machine: (node: string) => Machine | undefined;
  /** For what a driver must remember; made when first needed. */
  readonly directory: string;
  readonly redfish: RedfishServices;
}

/** A driver makes its device, or undefined when the target is not for it. Tried in order. */
type PowerDriver = (target: PowerTarget, means: PowerMeans) => PowerDevice | undefined;

const powerDrivers: readonly PowerDriver[] = [
  ({ node, means }, { clock }) => (means?.kind === "command" ? new CommandPowerDevice({ ...means, node, clock }) : undefined),
  ({ means }, { clock }) => (means?.kind === "libvirt" ? new LibvirtPowerDevice({ ...means, clock }) : undefined),
  ({ node, means }, { clock, machine }) =>
    means?.kind === "agent" ? new AgentPowerDevice({ node, clock, machine: () => machine(node) }) : undefined,
  ({ node, means }, { clock, directory }) =>
    means?.kind === "manual" ? new ManualPowerDevice({ ...means, node, clock, directory }) : undefined,
  ({ means }, { redfish: services, clock }) =>
    means?.kind === "redfish" ? openRedfishPower({ services, target: means, clock }) : undefined,
  ({ bmc, means }, { bmcs }) => (bmc === undefined || means !== undefined ? undefined : openIpmiPower(bmcs, bmc)),
];

/** The device for a target, undefined when it names none. Throws InvalidArgumentError for what a driver cannot understand. */
export function powerDevice(target: PowerTarget, means: PowerMeans): PowerDevice | undefined {
  for (const driver of powerDrivers) {
    const device = driver(target, means);
    if (device !== undefined) return device;
  }
  return undefined;
}
