/** Many nodes, one exit code. */
import { errorFromCode, FailedError, LabError, UnreachableError } from "../../proto/base/errors.js";

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

/** The same error with the node in front, unless it names it: a BMC is told by its address, and who typed a node's name looks for that. */
export function onNode(node: string, thrown: unknown): unknown {
  if (!(thrown instanceof LabError) || thrown.message.split(/[\s:"]+/).includes(node)) return thrown;
  return errorFromCode(thrown.code, `${node}: ${thrown.message}`, { cause: thrown.cause, facts: { ...thrown.facts, node } });
}
