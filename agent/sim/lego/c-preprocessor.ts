/** The little of the C preprocessor that decides which lines of a source are alive: conditionals, object-like macros, comments. Pure. */
import { CompileError } from "./compile-error.js";

export interface Preprocessed {
  /** Same number of lines as the source; comments, directives and dead branches are blank. */
  readonly text: string;
  /** Object-like macros, name → replacement text. */
  readonly macros: ReadonlyMap<string, string>;
  /** What live #warning directives say, as gcc prints them. */
  readonly warnings: readonly string[];
}

interface Branch {
  readonly line: number;
  readonly parentAlive: boolean;
  alive: boolean;
  taken: boolean;
}

/** Blanks comments, evaluates `#if`s against `defined`, collects `#define`s. Throws CompileError, as cpp would for an unterminated #if. */
export function preprocess(file: string, source: string, defined: ReadonlyMap<string, string> = new Map()): Preprocessed {
  const macros = new Map(defined);
  const warnings: string[] = [];
  const open: Branch[] = [];
  const alive = (): boolean => open.every((branch) => branch.alive);
  const lines = blankComments(file, source)
    .split("\n")
    .map((line, index) => {
      const directive = /^\s*#\s*(\w+)\s*(.*?)\s*$/.exec(line);
      if (directive === null) return alive() ? line : "";
      const [, name = "", rest = ""] = directive;
      const at = { file, line: index + 1, column: 1 };
      if (!conditional(open, name, rest, macros, at) && alive()) {
        if (name === "define") define(macros, rest);
        if (name === "undef") macros.delete(rest);
        if (name === "warning") warnings.push(`${file}:${at.line}:${at.column}: warning: #warning ${rest} [-Wcpp]`);
        if (name === "error") throw new CompileError(at, `#error ${rest}`);
      }
      return "";
    });
  const unclosed = open.at(-1);
  if (unclosed !== undefined) throw new CompileError({ file, line: unclosed.line, column: 1 }, "unterminated #if");
  return { text: lines.join("\n"), macros, warnings };
}

/** Handles #if, #ifdef, #ifndef, #elif, #else, #endif; false for any other directive. */
function conditional(
  open: Branch[],
  name: string,
  rest: string,
  macros: ReadonlyMap<string, string>,
  at: { readonly file: string; readonly line: number; readonly column: number },
): boolean {
  const parentAlive = open.every((branch) => branch.alive);
  const start = (holds: boolean) => open.push({ line: at.line, parentAlive, alive: parentAlive && holds, taken: holds });
  if (name === "if") start(holds(rest, macros));
  else if (name === "ifdef") start(macros.has(rest));
  else if (name === "ifndef") start(!macros.has(rest));
  else if (name === "elif" || name === "else" || name === "endif") {
    const branch = open.at(-1);
    if (branch === undefined) throw new CompileError(at, `#${name} without #if`);
    if (name === "endif") open.pop();
    else {
      const now = !branch.taken && (name === "else" || holds(rest, macros));
      branch.alive = branch.parentAlive && now;
      branch.taken ||= now;
    }
  } else return false;
  return true;
}

/** Conditions the tree uses: a number, a macro, `defined(X)`, `!`, and `A >= B`. A name that is no macro counts as 0, as in C. */
function holds(condition: string, macros: ReadonlyMap<string, string>): boolean {
  const text = condition.trim();
  if (text.startsWith("!")) return !holds(text.slice(1), macros);
  const definedName = /^defined\s*\(?\s*(\w+)\s*\)?$/.exec(text)?.[1];
  if (definedName !== undefined) return macros.has(definedName);
  const comparison = /^\(?\s*(\w+)\s*(>=|>)\s*(\w+)\s*\)?$/.exec(text);
  if (comparison !== null) {
    const [left, right] = [integerOf(comparison[1] ?? "", macros), integerOf(comparison[3] ?? "", macros)];
    return comparison[2] === ">=" ? left >= right : left > right;
  }
  return integerOf(text, macros) !== 0;
}

/** Value of an integer expression made of one number or macro, in any number of parentheses; 0 for anything else. */
export function integerOf(text: string, macros: ReadonlyMap<string, string>, depth = 0): number {
  const bare = text.replace(/[()\s]/g, "");
  if (/^\d+$/.test(bare)) return Number(bare);
  const replacement = macros.get(bare);
  return replacement === undefined || depth > 8 ? 0 : integerOf(replacement, macros, depth + 1);
}

function define(macros: Map<string, string>, rest: string): void {
  const match = /^(\w+)(?!\()\s*(.*)$/.exec(rest);
  if (match?.[1] !== undefined) macros.set(match[1], match[2] ?? "");
}

/** Replaces comments by spaces, keeps line ends and string literals, joins nothing. */
function blankComments(file: string, source: string): string {
  const pattern = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\/\/[^\n]*|\/\*[\s\S]*?\*\/|\/\*[\s\S]*$/g;
  return source.replace(pattern, (match, offset: number) => {
    if (match.startsWith('"') || match.startsWith("'")) return match;
    if (match.startsWith("/*") && !match.endsWith("*/")) {
      throw new CompileError({ file, line: source.slice(0, offset).split("\n").length, column: 1 }, "unterminated comment");
    }
    return match.replace(/[^\n]/g, " ");
  });
}
