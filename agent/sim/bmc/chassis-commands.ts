/** Power, and what the machine is to boot from. */
import {
  bootParameter,
  chassisAction,
  chassisControl,
  getChassisStatus,
  getSystemBootOptions,
  setSystemBootOptions,
} from "../../ipmi/command/index.js";
import { completionCode } from "../../ipmi/wire/index.js";
import { answers, type CommandEntry, refuse } from "./command-table.js";

export type ChassisVerb = "on" | "off" | "cycle" | "reset" | "soft";

/** The machine a BMC sits in. */
export interface Chassis {
  readonly on: boolean;
  /** Executes a command; status follows in its own time. Every call is an execution, and counted as one. */
  execute(verb: ChassisVerb): void;
}

const verbs = new Map<number, ChassisVerb>([
  [chassisAction.off, "off"],
  [chassisAction.on, "on"],
  [chassisAction.cycle, "cycle"],
  [chassisAction.reset, "reset"],
  [chassisAction.soft, "soft"],
]);

const bootOptionsVersion = 1;
const unknownParameter = 0x80;

export function chassisCommands(chassis: Chassis): readonly CommandEntry[] {
  const bootOptions = new BootOptions();
  return [
    answers(getChassisStatus, "user", () => ({
      power: { restorePolicy: 0, controlFault: false, fault: false, interlock: false, overload: false, on: chassis.on },
      lastEvent: { onByCommand: chassis.on, fault: false, interlock: false, overload: false, acFailed: false },
      chassis: { identifySupported: false, identify: 0, coolingFault: false, driveFault: false, lockout: false, intrusion: false },
      frontPanel: undefined,
    })),
    answers(chassisControl, "operator", ({ action }) => {
      const verb = verbs.get(action.code);
      if (verb === undefined) return refuse(completionCode.invalidDataField);
      // Only on and off make sense in either state.
      if (!chassis.on && verb !== "on" && verb !== "off") return refuse(completionCode.notInThisState);
      if (verb !== "off" && verb !== "soft") bootOptions.spend();
      chassis.execute(verb);
      return {};
    }),
    answers(setSystemBootOptions, "operator", ({ selector, data }) =>
      bootOptions.set(selector.parameter, data) ? {} : refuse(unknownParameter),
    ),
    answers(getSystemBootOptions, "operator", ({ parameter }) => {
      const data = bootOptions.get(parameter & 0x7f);
      if (data === undefined) return refuse(unknownParameter);
      return { version: bootOptionsVersion, selector: { invalid: false, parameter: parameter & 0x7f }, data };
    }),
  ];
}

/** Parameters by number. They are kept and given back; a simulated machine boots from its disk whatever they say. */
class BootOptions {
  readonly #parameters = new Map<number, Uint8Array>([
    [bootParameter.setInProgress, new Uint8Array(1)],
    [bootParameter.validClearing, new Uint8Array(1)],
    [bootParameter.infoAcknowledge, new Uint8Array(2)],
    [bootParameter.flags, new Uint8Array(5)],
  ]);

  get(parameter: number): Uint8Array | undefined {
    return this.#parameters.get(parameter);
  }

  set(parameter: number, data: Uint8Array): boolean {
    const current = this.#parameters.get(parameter);
    if (current === undefined) return false;
    const next = new Uint8Array(current.length);
    next.set(data.subarray(0, current.length));
    this.#parameters.set(parameter, next);
    return true;
  }

  /** The machine starts: boot flags that are not persistent have had their one time. */
  spend(): void {
    const [flags = 0] = this.get(bootParameter.flags) ?? [];
    const persistent = (flags & 0x40) !== 0;
    if (!persistent) this.set(bootParameter.flags, new Uint8Array(5));
  }
}
