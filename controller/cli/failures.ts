/** Many nodes, one exit code. */
import { FailedError, LabError, UnreachableError } from "../../proto/base/errors.js";

/**
 * What to leave with when some of many nodes failed: the one's own error when it was the only node asked, "unreachable" when none of
 * those that failed could be reached, else "failed".
 */
export function failureOfMany(summary: string, asked: number, thrown: readonly unknown[]): LabError {
  const [first] = thrown;
  if (asked === 1 && first instanceof LabError) return first;
  const unreachable = thrown.every((each) => each instanceof LabError && each.code === "unreachable");
  return unreachable ? new UnreachableError(summary) : new FailedError(summary);
}
