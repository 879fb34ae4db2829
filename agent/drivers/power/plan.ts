/** What a verb takes, from the state there is. Pure. */
import type { PowerState, PowerVerb } from "../../ports/power.js";

/** What a device can be told. */
export type PowerStep = "on" | "off" | "reset" | "soft";

/** The state in which a step ends. */
export const stateAfter: Readonly<Record<PowerStep, PowerState>> = { on: "on", off: "off", soft: "off", reset: "on" };

/** Steps in order; none when nothing has to be done. A reset of a machine that is off is the device's to refuse. */
export function stepsFor(verb: PowerVerb, before: PowerState): readonly PowerStep[] {
  switch (verb) {
    case "on":
    case "off":
    case "soft":
      return stateAfter[verb] === before ? [] : [verb];
    case "cycle":
      return before === "on" ? ["off", "on"] : ["on"];
    case "reset":
      return ["reset"];
  }
}
