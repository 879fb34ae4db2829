/** What the programs leave with. Scripts decide by these; they are part of the interface and documented in docs/cli.md. */
import { type ErrorCode, LabError } from "./errors.js";

export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  invalidInventory: 3,
  conflict: 4,
  unreachable: 5,
  cancelled: 6,
  refused: 7,
  defect: 70,
} as const;

const byCode: Readonly<Record<ErrorCode, number>> = {
  "invalid-argument": exitCodes.usage,
  "invalid-inventory": exitCodes.invalidInventory,
  "not-found": exitCodes.usage,
  conflict: exitCodes.conflict,
  unreachable: exitCodes.unreachable,
  authentication: exitCodes.refused,
  permission: exitCodes.refused,
  deadline: exitCodes.failed,
  cancelled: exitCodes.cancelled,
  unsupported: exitCodes.failed,
  exhausted: exitCodes.failed,
  failed: exitCodes.failed,
  internal: exitCodes.defect,
};

/** The exit code a thrown thing stands for; anything that is not a LabError is a defect of ours. */
export function exitCodeOf(thrown: unknown): number {
  return thrown instanceof LabError ? byCode[thrown.code] : exitCodes.defect;
}
