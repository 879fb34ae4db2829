/** A command the BMC answered with something other than "done". */
import {
  ExhaustedError,
  FailedError,
  PermissionError,
  UnreachableError,
  UnsupportedError,
  type LabError,
} from "../../../proto/base/errors.js";
import type { Command } from "../command/index.js";
import { completionCode, describeCompletion } from "../wire/index.js";

/** What it cannot do at all, or not now; and what to do instead. */
const unsupported: ReadonlyMap<number, string> = new Map([
  [completionCode.invalidCommand, "this BMC does not have it: do without"],
  [completionCode.invalidForLun, "this BMC does not have it: do without"],
  [completionCode.notInThisState, "read the machine's state, and change that first"],
  [completionCode.disabled, "enable it in the BMC's settings"],
]);
/** It did nothing, for now. */
const passing: ReadonlySet<number> = new Set([completionCode.nodeBusy, completionCode.updating, completionCode.initializing]);

/** The BMC gave up waiting for what is behind it, which may have acted all the same. */
const undecided: ReadonlySet<number> = new Set([completionCode.timeout, completionCode.noResponse]);

/** The error for a completion code other than 0. */
export function commandFailed(subject: string, command: Command<unknown, unknown>, code: number): LabError {
  const reason = `${subject}: ${command.name}: ${describeCompletion(code, command.completions)}`;
  const details = { facts: { bmc: subject, command: command.name, completionCode: code } };
  if (code === completionCode.insufficientPrivilege) return new PermissionError(`${reason}; ask for a higher privilege`, details);
  if (undecided.has(code) && !command.repeatable) {
    return new UnreachableError(`${reason}; it is open whether the BMC acted, and it was not asked again: read the state`, details);
  }
  if (passing.has(code)) return new ExhaustedError(`${reason}; it did nothing: try again`, details);
  const instead = unsupported.get(code);
  if (instead !== undefined) return new UnsupportedError(`${reason}; ${instead}`, details);
  return new FailedError(`${reason}; the BMC's event log may say more`, details);
}
