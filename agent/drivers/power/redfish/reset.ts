/** Which ResetType a verb is (Redfish Resource schema, "ResetType"), and when a machine is as the verb wants it. Pure. */
import type { PowerState } from "../../../ports/power.js";

export type ResetVerb = "on" | "off" | "reset" | "soft" | "interrupt";

/**
 * In the order they are taken. Others come close and are not the same: PowerCycle ends with power on, PushPowerButton does one thing or
 * another as the machine is, GracefulRestart depends on the operating system.
 */
const resetTypes: Readonly<Record<ResetVerb, readonly string[]>> = {
  on: ["On", "ForceOn"],
  off: ["ForceOff"],
  reset: ["ForceRestart"],
  soft: ["GracefulShutdown"],
  interrupt: ["Nmi"],
};

/** `allowable` undefined = the service does not say. Undefined when it has none that is the verb. */
export function resetTypeFor(verb: ResetVerb, allowable: readonly string[] | undefined): string | undefined {
  const types = resetTypes[verb];
  return allowable === undefined ? types[0] : types.find((each) => allowable.includes(each));
}

/**
 * On or off, from PowerState. A transition counts as the state it leaves: who waits for "on" must not be told so while the machine is
 * still powering on. A paused machine has power. Undefined for what is neither.
 */
export function powerStateOf(powerState: string): PowerState | undefined {
  switch (powerState) {
    case "On":
    case "PoweringOff":
    case "Paused":
      return "on";
    case "Off":
    case "PoweringOn":
      return "off";
    default:
      return undefined;
  }
}

/** A service may refuse what is so already, or on its way there: then nothing is left to be done. */
export function isDone(verb: ResetVerb, powerState: string): boolean {
  if (verb === "on") return powerState === "On" || powerState === "PoweringOn";
  if (verb === "off" || verb === "soft") return powerState === "Off" || powerState === "PoweringOff";
  return false;
}
