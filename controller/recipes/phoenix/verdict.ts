/** Small words of judging. */
import type { CommandOutcome, Verdict } from "../../deploy/recipe.js";

/** No waiting changes this. */
export function failed(reason: string, lines: readonly string[] = []): Verdict {
  return { ok: false, final: true, reason, lines };
}

export function notYet(reason: string, lines: readonly string[] = []): Verdict {
  return { ok: false, reason, lines };
}

/** Lines that are not blank. */
export function linesOf(text: string): string[] {
  return text.split(/\r?\n/).filter((line) => line.trim() !== "");
}

/** How a command came to its end, for a reason. */
export function endOf({ exitCode, state }: Pick<CommandOutcome, "exitCode" | "state">): string {
  return exitCode === undefined ? state : `exit code ${exitCode}`;
}

/** The last lines of what a command said, errors before output. */
export function lastWords({ stdout, stderr }: Pick<CommandOutcome, "stdout" | "stderr">, count = 12): string[] {
  return linesOf(stderr.trim() === "" ? stdout : stderr).slice(-count);
}
