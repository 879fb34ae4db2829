/** Power, and what the machine says of itself. */
import { chassisAction, chassisControl, getChassisStatus } from "../../ipmi/command/index.js";
import { completionCode } from "../../ipmi/wire/index.js";
import type { MachineEvent } from "../machine/machine.js";
import { answers, type CommandEntry, refuse } from "./command-table.js";
import type { EventLog } from "./event-log.js";
import type { IdentifyLight } from "./identify-light.js";

export type ChassisVerb = "on" | "off" | "cycle" | "reset" | "soft" | "interrupt";

/** The machine a BMC sits in. */
export interface Chassis {
  readonly on: boolean;
  /** Executes a command; status follows in its own time. Every call is an execution, and counted as one. */
  execute(verb: ChassisVerb): void;
  /** Tells what happens to the machine, whoever caused it. Returns the way to stop. */
  watch?(watcher: (event: MachineEvent) => void): () => void;
}

const verbs = new Map<number, ChassisVerb>([
  [chassisAction.off, "off"],
  [chassisAction.on, "on"],
  [chassisAction.cycle, "cycle"],
  [chassisAction.reset, "reset"],
  [chassisAction.diagnosticInterrupt, "interrupt"],
  [chassisAction.soft, "soft"],
]);

export function chassisCommands(chassis: Chassis, parts: { light: IdentifyLight; eventLog: EventLog }): readonly CommandEntry[] {
  const { light, eventLog } = parts;
  return [
    answers(getChassisStatus, "user", () => ({
      power: { restorePolicy: 0, controlFault: false, fault: false, interlock: false, overload: false, on: chassis.on },
      lastEvent: { onByCommand: chassis.on, fault: false, interlock: false, overload: false, acFailed: false },
      chassis: {
        identifySupported: true,
        identify: light.state,
        coolingFault: false,
        driveFault: false,
        lockout: false,
        intrusion: false,
      },
      frontPanel: undefined,
    })),
    answers(chassisControl, "operator", ({ action }) => {
      const verb = verbs.get(action.code);
      if (verb === undefined) return refuse(completionCode.invalidDataField);
      // Only on and off make sense in either state.
      if (!chassis.on && verb !== "on" && verb !== "off") return refuse(completionCode.notInThisState);
      if (verb === "interrupt") eventLog.interrupted();
      chassis.execute(verb);
      return {};
    }),
  ];
}
