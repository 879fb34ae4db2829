/** A command the BMC answered with something other than "done". */
import { ExhaustedError, FailedError, PermissionError, UnreachableError, UnsupportedError, type LabError } from "../../../proto/base/errors.js";
import type { Command } from "../command/index.js";
import { completionCode, describeCompletion } from "../wire/index.js";

const unsupported: ReadonlySet<number> = new Set([
  completionCode.invalidCommand,
  completionCode.invalidForLun,
  completionCode.notInThisState,
  completionCode.disabled,
]);

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
  if (code === completionCode.nodeBusy) return new ExhaustedError(`${reason}; it did nothing: ask again in a moment`, details);
  if (unsupported.has(code)) {
    return new UnsupportedError(`${reason}; this BMC cannot, or not now: read the state, or choose another way`, details);
  }
  return new FailedError(`${reason}; see its event log, or ask again`, details);
}
