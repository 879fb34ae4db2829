/** Commands whose only work is to show something, and commands whose end says nothing. */
import type { Act, CommandOutcome, Known, Requirement, Verdict } from "../../deploy/recipe.js";
import { seconds } from "./design.js";

type CommandLook = Extract<Requirement, { readonly kind: "command" }>;

/** Asked until `judge` is content, for ten seconds unless said otherwise. */
export function look(
  claim: string,
  argv: readonly string[] | ((known: Known) => readonly string[]),
  judge: (result: CommandOutcome, known: Known) => Verdict,
  withinMs = 10 * seconds,
): CommandLook {
  return { kind: "command", argv: typeof argv === "function" ? argv : () => argv, claim, withinMs, judge };
}

/** A command whose end proves nothing either way: what it was for is looked at afterwards. */
export function quietly(argv: readonly string[]): Act {
  return { kind: "command", argv, timeoutMs: 30 * seconds, expect: () => ({ ok: true }) };
}
