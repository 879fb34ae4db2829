/** The BMC's own word in an error. */
import { LabError } from "../../proto/base/errors.js";

/** The completion code an error stands for; undefined when the BMC did not answer with one. */
export function completionOf(error: unknown): number | undefined {
  const code = error instanceof LabError ? error.facts["completionCode"] : undefined;
  return typeof code === "number" ? code : undefined;
}
