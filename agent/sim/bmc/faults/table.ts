/** The faults there are, and how one writes them: NAME or NAME=VALUE. A new one is a row in one of the lists, and in docs/simulation.md. */
import { InvalidArgumentError } from "../../../../proto/base/errors.js";
import { nearest } from "../../../../inventory/nearest.js";
import { commandFaults } from "./command-faults.js";
import type { Fault, FaultKind } from "./fault.js";
import { lineFaults } from "./line-faults.js";
import { loginFaults } from "./login-faults.js";
import { solFaults } from "./sol-faults.js";

export const faultTable: readonly FaultKind[] = [...lineFaults, ...loginFaults, ...commandFaults, ...solFaults];

/** Throws InvalidArgumentError: an unknown name with the nearest there is, a value that does not fit with what would. */
export function parseFault(text: string): Fault {
  const at = text.indexOf("=");
  return faultKind(at < 0 ? text : text.slice(0, at)).with(at < 0 ? undefined : text.slice(at + 1));
}

/** Throws InvalidArgumentError. */
export function faultKind(name: string): FaultKind {
  const kind = faultTable.find((each) => each.name === name);
  if (kind !== undefined) return kind;
  const names = faultTable.map((each) => each.name);
  const near = nearest(name, names);
  const hint = near === undefined ? `there are ${names.join(" ")}` : `did you mean ${near}?`;
  throw new InvalidArgumentError(`"${name}" is no fault of a simulated BMC; ${hint}`);
}
