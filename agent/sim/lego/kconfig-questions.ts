/** `make oldconfig`: asks about every symbol without a value, reading answers line by line (facts: LegoOS §2). Pure. */
import { type Assignments, inRange, type ResolvedConfig, resolveConfig } from "./kconfig.js";
import { type KconfigSymbol, symbols } from "./kconfig-symbols.js";

export type Interview =
  | { readonly outcome: "answered"; readonly config: ResolvedConfig; readonly transcript: string }
  /** Input ended while a question stood open. */
  | { readonly outcome: "input-ended"; readonly transcript: string };

/**
 * Asks the open questions of a configuration. An empty line takes the default; where there is none (the memory node) or the
 * answer does not fit, the question is put again, which on iron goes on for ever when the input never ends.
 */
export function interview(assignments: Assignments, answers: readonly string[]): Interview {
  const given = new Map(assignments);
  const input = [...answers];
  let transcript = "";
  for (;;) {
    const resolved = resolveConfig(given);
    const question = resolved.questions[0];
    if (question === undefined) return { outcome: "answered", config: resolved, transcript };
    transcript += ask(question, resolved);
    const answer = input.shift();
    if (answer === undefined) return { outcome: "input-ended", transcript: `${transcript}\nError in reading or end of file.\n` };
    const value = accept(question, answer.trim(), resolved);
    transcript += "\n";
    if (value !== undefined) given.set(value.symbol.name, value.value);
  }
}

function ask(symbol: KconfigSymbol, config: ResolvedConfig): string {
  const value = config.values.get(symbol.name) ?? "";
  if (symbol.choice !== undefined) return `${symbol.choice}\n${choiceMembers(symbol).map(describeMember).join("")}choice: `;
  const hint = symbol.type === "bool" ? (value === "y" ? "[Y/n/?]" : "[N/y/?]") : `[${value}]`;
  return `${symbol.prompt} (${symbol.name}) ${hint} (NEW) `;
}

const choiceMembers = (symbol: KconfigSymbol) => symbols.filter((each) => each.choice === symbol.choice);
const describeMember = (member: KconfigSymbol, index: number) => `  ${index + 1}. ${member.prompt} (${member.name}) (NEW)\n`;

function accept(
  symbol: KconfigSymbol,
  answer: string,
  config: ResolvedConfig,
): { readonly symbol: KconfigSymbol; readonly value: string } | undefined {
  if (symbol.choice !== undefined) return acceptChoice(symbol, answer, config);
  if (symbol.type === "bool") {
    const value = answer === "" ? config.values.get(symbol.name) : answer.toLowerCase();
    return value === "y" || value === "n" ? { symbol, value } : undefined;
  }
  const value = answer === "" ? (config.values.get(symbol.name) ?? "") : answer;
  if (symbol.type === "string") return { symbol, value };
  return /^-?\d+$/.test(value) && inRange(symbol, value) ? { symbol, value } : undefined;
}

function acceptChoice(symbol: KconfigSymbol, answer: string, config: ResolvedConfig) {
  const members = choiceMembers(symbol);
  const picked = answer === "" ? members.find((each) => config.values.get(each.name) === "y") : members[Number(answer) - 1];
  return picked === undefined ? undefined : { symbol: picked, value: "y" };
}
