/** Named workarounds for devices, by the names FreeIPMI made known. A node's inventory entry lists those its BMC needs. */
import { InvalidArgumentError } from "../../proto/base/errors.js";

export const quirkTexts = {
  noauthcap: "starts with Open Session: the BMC answers Get Channel Authentication Capabilities wrongly or not at all",
  nochecksumcheck: "does not check message checksums",
  privlookup: "looks the user up by name and privilege instead of name only",
  solstatus: "does not ask Get Payload Activation Status before activating SOL",
  serialalertsdeferred: "activates SOL with serial alerts deferred",
  noinstanceinfo: "does not ask Get Payload Instance Info: a stolen console is noticed only by its silence",
} as const;
export type Quirk = keyof typeof quirkTexts;

/** Checks names from an inventory. Throws InvalidArgumentError that lists the names there are. */
export function parseQuirks(names: readonly string[]): ReadonlySet<Quirk> {
  const quirks = new Set<Quirk>();
  for (const name of names) {
    const quirk = quirkNames.find((each) => each === name);
    if (quirk === undefined) throw new InvalidArgumentError(`BMC quirk "${name}" is unknown; there are ${quirkNames.join(", ")}`);
    quirks.add(quirk);
  }
  return quirks;
}

const quirkNames = Object.keys(quirkTexts) as readonly Quirk[];
