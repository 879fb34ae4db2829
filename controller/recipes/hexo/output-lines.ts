/** Lines of what a command has printed, and verdicts over them. */
import type { CommandOutcome, Verdict } from "../../deploy/recipe.js";

export function linesOf(text: string): string[] {
  return text.split(/\r?\n/).filter((line) => line.trim() !== "");
}

/** What a command said last: errors before output. */
export function lastLines({ stdout, stderr }: Pick<CommandOutcome, "stdout" | "stderr">, count = 8): string[] {
  return linesOf(stderr.trim() === "" ? stdout : stderr).slice(-count);
}

/** No later look can change it. */
export function failed(reason: string, lines: readonly string[] = []): Verdict {
  return { ok: false, final: true, reason, lines };
}

/** It may still come. */
export function notYet(reason: string, lines: readonly string[] = []): Verdict {
  return { ok: false, reason, lines };
}

export function howItEnded({ exitCode, state }: Pick<CommandOutcome, "exitCode" | "state">): string {
  return exitCode === undefined ? state : `exit code ${exitCode}`;
}
