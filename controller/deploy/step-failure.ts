/** Why a step failed, and whose matter it is. */
import { describeError, FailedError, LabError, type ErrorCode } from "../../proto/base/errors.js";
import type { Blame, EvidenceSource } from "./entries.js";

/** Something a failure rests on: said of the node whose step failed. */
export interface FailureEvidence {
  readonly claim: string;
  readonly source: EvidenceSource;
}

export interface StepFailure {
  /** What happened, in a line. */
  readonly summary: string;
  /** What is known of the cause; "" when nothing. */
  readonly cause: string;
  readonly evidence: readonly FailureEvidence[];
  readonly blame: Blame;
}

/** A step has failed in a way this engine understands. */
export class StepFailedError extends FailedError {
  readonly failure: StepFailure;

  constructor(failure: { summary: string; blame: Blame; cause?: string; evidence?: readonly FailureEvidence[] }) {
    super(failure.summary);
    this.failure = { cause: "", evidence: [], ...failure };
  }
}

/** What went wrong when an act or a look at a node throws this. "deadline": an agent or device did not get there in its time. */
const blameOf: Readonly<Record<ErrorCode, Blame>> = {
  unreachable: "lab",
  authentication: "lab",
  permission: "lab",
  unsupported: "lab",
  exhausted: "lab",
  deadline: "lab",
  conflict: "lab",
  internal: "lab",
  failed: "system",
  "not-found": "user",
  "invalid-argument": "user",
  "invalid-inventory": "user",
  cancelled: "user",
};

/** The failure that anything thrown by a step stands for. */
export function failureOf(thrown: unknown): StepFailure {
  if (thrown instanceof StepFailedError) return thrown.failure;
  if (thrown instanceof LabError) {
    const cause = thrown.cause === undefined ? "" : describeError(thrown.cause);
    return { summary: thrown.message, cause, evidence: [], blame: blameOf[thrown.code] };
  }
  return { summary: `a defect of labd: ${describeError(thrown)}`, cause: "", evidence: [], blame: "lab" };
}
