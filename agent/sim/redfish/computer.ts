/** The machine as its Redfish service sees it: power with its transitions, resets, what to boot from, light, log. */
import type { Clock } from "../../../proto/base/clock.js";
import type { Chassis, ChassisVerb } from "../bmc/chassis-commands.js";
import type { RedfishFaults } from "./faults.js";

/** The machine a Redfish service manages. */
export interface RedfishChassis extends Chassis {
  /** Wall time it was last started or reset; undefined while it is off. */
  readonly startedMs: number | undefined;
}

export interface LogEntry {
  readonly id: number;
  readonly timeMs: number;
  readonly message: string;
}

export interface BootSettings {
  enabled: string;
  target: string;
  mode: string;
}

export const maxLogEntries = 256;
const transitionMs = 60_000;

const executed: Readonly<Record<string, ChassisVerb>> = {
  On: "on",
  ForceOn: "on",
  ForceOff: "off",
  ForceRestart: "reset",
  PowerCycle: "cycle",
  GracefulShutdown: "soft",
  Nmi: "interrupt",
};

/** What the firmware calls the targets; it tells those it does not know by the service's word. */
const firmwareDevices: Readonly<Record<string, string>> = { None: "none", Pxe: "pxe", Hdd: "disk", Cd: "cdrom", BiosSetup: "setup" };

export const usualResets = ["On", "ForceOff", "GracefulShutdown", "ForceRestart", "Nmi", "ForceOn", "PushPowerButton", "PowerCycle"];

export class Computer {
  readonly boot: BootSettings = { enabled: "Disabled", target: "None", mode: "UEFI" };
  readonly log: LogEntry[] = [];
  /** "Off", "Lit" or "Blinking". */
  light = "Off";
  assetTag = "";
  readonly #chassis: RedfishChassis;
  readonly #clock: Clock;
  readonly #faults: RedfishFaults;
  /** The state on the way to which it is; forgotten when it does not come about: somebody else may switch the machine as well. */
  #pending: { readonly state: "On" | "Off"; readonly untilMs: number } | undefined;

  constructor(options: { chassis: RedfishChassis; clock: Clock; faults: RedfishFaults }) {
    this.#chassis = options.chassis;
    this.#clock = options.clock;
    this.#faults = options.faults;
  }

  get on(): boolean {
    return this.#chassis.on;
  }

  get startedMs(): number | undefined {
    return this.#chassis.startedMs;
  }

  get powerState(): string | null {
    if (this.#faults.has("forgets-power")) return null;
    const actual = this.on ? "On" : "Off";
    const pending = this.#pending;
    if (pending === undefined || pending.state === actual || this.#clock.monotonicMs() > pending.untilMs) {
      this.#pending = undefined;
      return actual;
    }
    return this.#faults.has("lies-about-power") ? pending.state : `Powering${pending.state}`;
  }

  /** Why it cannot be done now, or undefined when it is being done. */
  reset(type: string): "off" | "changing" | "already" | undefined {
    const state = this.powerState;
    if (state?.startsWith("Powering")) return "changing";
    if (
      this.#faults.has("refuses-same-state") &&
      ((state === "On" && /^(Force)?On$/.test(type)) || (state === "Off" && type === "ForceOff"))
    ) {
      return "already";
    }
    if (type === "PushPowerButton") return this.reset(this.on ? "GracefulShutdown" : "On");
    const needsPower = !["On", "ForceOn", "ForceOff"].includes(type);
    if (needsPower && state === "Off") return "off";
    this.#note(`Reset: ${type}`);
    const verb = executed[type];
    if (verb !== undefined) this.#chassis.execute(verb);
    const untilMs = this.#clock.monotonicMs() + transitionMs;
    if (verb === "on") this.#pending = { state: "On", untilMs };
    if (verb === "off") this.#pending = { state: "Off", untilMs };
    return undefined;
  }

  /** The machine's firmware starts and asks what to boot from; a choice for one boot is thereby spent. */
  takeBootDevice(): string {
    const { enabled, target } = this.boot;
    if (enabled === "Once") Object.assign(this.boot, { enabled: "Disabled", target: "None" });
    return enabled === "Disabled" ? "none" : (firmwareDevices[target] ?? target);
  }

  #note(message: string): void {
    this.log.push({ id: (this.log.at(-1)?.id ?? 0) + 1, timeMs: this.#clock.now(), message });
    if (this.log.length > maxLogEntries) this.log.shift();
  }
}
