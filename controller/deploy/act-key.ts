/** Names of acts: the same act of the same run has the same name for ever, and no other act has it. */
import { createHash } from "node:crypto";

/** Key of the n-th act of a step: what an agent remembers a power act by. */
export function actKey(runId: string, step: string, act: number): string {
  return `${runId}/${step}/${act}`;
}

/**
 * The key as a job id: letters, digits, dot, dash, underscore, at most 100. Slashes become dots where that stays unique and short
 * enough; other ids carry a digest instead of the step.
 */
export function jobId(runId: string, step: string, part: string): string {
  const plain = `${runId}.${step.replaceAll("/", ".")}.${part}`;
  if (/^[A-Za-z0-9_/-]+$/.test(step) && plain.length <= 100) return plain;
  return `${runId}.${createHash("sha256").update(step).digest("hex").slice(0, 24)}.${part}`;
}
