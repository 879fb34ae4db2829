/** C source as tokens with positions, and a cursor to read initialisers and statements with. Pure. */
import type { Preprocessed } from "./c-preprocessor.js";
import { CompileError, type SourcePosition } from "./compile-error.js";

export interface Token {
  readonly kind: "name" | "number" | "string" | "character" | "punctuation" | "end";
  /** As written; for a string its value, escapes undone. */
  readonly text: string;
  readonly at: SourcePosition;
}

const pattern = /\s+|[A-Za-z_]\w*|\d\w*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\.\.\.|->|\+\+|--|<<|>>|[<>=!]=|&&|\|\||["']|[^\s\w]/gy;

/** Splits preprocessed text, checks that brackets match, expands object-like macros that stand for strings or numbers. Throws CompileError. */
export function tokenize(file: string, source: Preprocessed): readonly Token[] {
  const tokens: Token[] = [];
  source.text.split("\n").forEach((lineText, index) => {
    for (const match of lineText.matchAll(pattern)) {
      const at = { file, line: index + 1, column: match.index + 1 };
      if (match[0] === '"' || match[0] === "'") throw new CompileError(at, `missing terminating ${match[0]} character`);
      if (match[0].trim() !== "") tokens.push(...expand(toToken(match[0], at), source.macros, 0));
    }
  });
  checkBrackets(file, tokens);
  return tokens;
}

function toToken(text: string, at: SourcePosition): Token {
  if (text.startsWith('"')) return { kind: "string", text: unescape(text.slice(1, -1)), at };
  if (text.startsWith("'")) return { kind: "character", text: unescape(text.slice(1, -1)), at };
  if (/^[A-Za-z_]/.test(text)) return { kind: "name", text, at };
  return { kind: /^\d/.test(text) ? "number" : "punctuation", text, at };
}

function expand(token: Token, macros: ReadonlyMap<string, string>, depth: number): Token[] {
  const replacement = token.kind === "name" && depth < 8 ? macros.get(token.text) : undefined;
  if (replacement === undefined || replacement === "") return [token];
  return [...replacement.matchAll(pattern)]
    .filter((match) => match[0].trim() !== "")
    .flatMap((match) => expand(toToken(match[0], token.at), macros, depth + 1));
}

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };

/** A literal's value: bytes written as octal or hexadecimal escapes may together be UTF-8, as gcc leaves them. */
function unescape(text: string): string {
  const bytes = text.replace(/[^\0-\x7f]+/g, (wide) => Buffer.from(wide, "utf8").toString("latin1"));
  const value = bytes.replace(/\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|(.))/g, (_, octal?: string, hex?: string, character = "") => {
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
    return hex === undefined ? (escapes[character] ?? character) : String.fromCharCode(Number.parseInt(hex, 16));
  });
  return Buffer.from(value, "latin1").toString("utf8");
}

function checkBrackets(file: string, tokens: readonly Token[]): void {
  const closing: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };
  const open: Token[] = [];
  for (const token of tokens) {
    if (token.kind !== "punctuation") continue;
    if (token.text in closing) open.push(token);
    else if ([")", "]", "}"].includes(token.text)) {
      const opener = open.pop();
      if (opener === undefined) throw new CompileError(token.at, `expected identifier or ‘(’ before ‘${token.text}’ token`);
      const expected = closing[opener.text];
      if (expected !== token.text) throw new CompileError(token.at, `expected ‘${expected}’ before ‘${token.text}’ token`);
    }
  }
  const last = tokens.at(-1);
  if (open.length > 0)
    throw new CompileError(last?.at ?? { file, line: 1, column: 1 }, "expected declaration or statement at end of input");
}

/** Reads tokens forward. `expect` throws what gcc says when something else stands there. */
export class TokenCursor {
  readonly #tokens: readonly Token[];
  #index = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get next(): Token {
    const last = this.#tokens.at(-1);
    return this.#tokens[this.#index] ?? { kind: "end", text: "end of input", at: last?.at ?? { file: "", line: 1, column: 1 } };
  }

  take(): Token {
    const token = this.next;
    this.#index += 1;
    return token;
  }

  is(text: string): boolean {
    return this.next.text === text && this.next.kind !== "string";
  }

  skip(text: string): boolean {
    if (!this.is(text)) return false;
    this.#index += 1;
    return true;
  }

  expect(text: string): Token {
    if (!this.is(text)) throw new CompileError(this.next.at, `expected ‘${text}’ before ${describe(this.next)}`);
    return this.take();
  }

  /** One string literal, adjacent ones joined. */
  expectString(): string {
    if (this.next.kind !== "string") throw new CompileError(this.next.at, `expected expression before ${describe(this.next)}`);
    let text = "";
    while (this.next.kind === "string") text += this.take().text;
    return text;
  }

  expectInteger(): number {
    if (this.next.kind !== "number") throw new CompileError(this.next.at, `expected expression before ${describe(this.next)}`);
    return Number(this.take().text);
  }

  /** Moves behind the next occurrence of these tokens in a row; false (and stays) when there is none. */
  seek(...texts: readonly string[]): boolean {
    for (let start = this.#index; start + texts.length <= this.#tokens.length; start += 1) {
      if (!texts.every((text, offset) => this.#tokens[start + offset]?.text === text)) continue;
      this.#index = start + texts.length;
      return true;
    }
    return false;
  }

  /** The tokens up to the bracket that closes the one just taken; the cursor stands behind it. */
  takeBody(): readonly Token[] {
    const start = this.#index;
    for (let depth = 1; depth > 0 && this.next.kind !== "end"; ) {
      const token = this.take();
      if (token.kind !== "punctuation") continue;
      if ("([{".includes(token.text)) depth += 1;
      if (")]}".includes(token.text)) depth -= 1;
    }
    return this.#tokens.slice(start, this.#index - 1);
  }
}

export function describe(token: Token): string {
  if (token.kind === "end") return "end of input";
  if (token.kind === "string") return "string constant";
  if (token.kind === "number") return "numeric constant";
  return token.kind === "punctuation" ? `‘${token.text}’ token` : `‘${token.text}’`;
}
