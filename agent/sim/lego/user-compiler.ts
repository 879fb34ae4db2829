/**
 * The stand-in C compiler for user programs: finds what main() writes, in source order, following calls of functions of the same
 * file. It knows printf, puts, fputs, write and their f/d variants with string literals, macros, string variables and argv[n];
 * conditions and loops are taken as executed once, other values print as 0. Pure.
 */
import { preprocess } from "./c-preprocessor.js";
import { type Token, TokenCursor, tokenize } from "./c-tokens.js";
import { CompileError } from "./compile-error.js";
import type { Executable, OutputPart } from "./executable.js";

/** Compiles one source file to an executable. Throws CompileError as gcc, or ld for a missing main, would stop. */
export function compileProgram(file: string, source: string, linkage: Executable["linkage"]): Executable {
  const tokens = tokenize(file, preprocess(file, source));
  const functions = readFunctions(tokens);
  const main = functions.get("main");
  if (main === undefined) throw new CompileError({ file, line: 1, column: 1 }, "undefined reference to `main'");
  const program = new Walk(functions, readStrings(tokens));
  program.run(main, 0);
  return { linkage, behaviour: { kind: "compiled", output: program.output, exitStatus: program.exitStatus } };
}

/** name → body of every function defined in the file. */
function readFunctions(tokens: readonly Token[]): Map<string, readonly Token[]> {
  const functions = new Map<string, readonly Token[]>();
  const cursor = new TokenCursor(tokens);
  while (cursor.next.kind !== "end") {
    const name = cursor.take();
    if (name.text === "{") cursor.takeBody();
    if (name.kind !== "name" || !cursor.skip("(")) continue;
    cursor.takeBody();
    if (cursor.skip("{")) functions.set(name.text, cursor.takeBody());
  }
  return functions;
}

/** name → text of every variable that is initialised with a string literal. */
function readStrings(tokens: readonly Token[]): Map<string, string> {
  const strings = new Map<string, string>();
  tokens.forEach((token, index) => {
    if (token.text !== "=" || tokens[index + 1]?.kind !== "string") return;
    const name = tokens
      .slice(0, index)
      .reverse()
      .find((each) => each.kind === "name");
    if (name !== undefined) strings.set(name.text, new TokenCursor(tokens.slice(index + 1)).expectString());
  });
  return strings;
}

class Walk {
  readonly #functions: ReadonlyMap<string, readonly Token[]>;
  readonly #strings: ReadonlyMap<string, string>;
  readonly output: OutputPart[] = [];
  exitStatus = 0;
  #exited = false;

  constructor(functions: ReadonlyMap<string, readonly Token[]>, strings: ReadonlyMap<string, string>) {
    this.#functions = functions;
    this.#strings = strings;
  }

  /** Follows one function body. Calls nest at most eight deep: recursion ends there. */
  run(body: readonly Token[], depth: number): void {
    const cursor = new TokenCursor(body);
    while (cursor.next.kind !== "end" && !this.#exited) {
      const token = cursor.take();
      if (token.text === "return" && depth === 0) this.#exit(cursor.take());
      else if (token.kind === "name" && cursor.skip("(")) this.#call(token, cursor.takeBody(), depth);
    }
  }

  #call(callee: Token, argumentTokens: readonly Token[], depth: number): void {
    const values = splitArguments(argumentTokens);
    const own = this.#functions.get(callee.text);
    if (own !== undefined && depth < 8) this.run(own, depth + 1);
    else if (callee.text === "exit" || callee.text === "_exit") this.#exit(values[0]?.[0]);
    else if (callee.text === "printf") this.#print(values[0], values.slice(1));
    else if (callee.text === "fprintf" || callee.text === "dprintf") this.#print(values[1], values.slice(2));
    else if (callee.text === "puts") this.output.push(this.#value(values[0]), "\n");
    else if (callee.text === "fputs") this.output.push(this.#value(values[0]));
    else if (callee.text === "write") this.#write(values[1], values[2]);
  }

  #exit(status: Token | undefined): void {
    this.exitStatus = status?.kind === "number" ? Number(status.text) & 0xff : 0;
    this.#exited = true;
  }

  #write(text: readonly Token[] | undefined, length: readonly Token[] | undefined): void {
    const value = this.#value(text);
    const count = length?.[0]?.kind === "number" ? Number(length[0].text) : undefined;
    this.output.push(typeof value === "string" && count !== undefined ? value.slice(0, count) : value);
  }

  #print(format: readonly Token[] | undefined, values: readonly (readonly Token[])[]): void {
    const text = this.#value(format);
    if (typeof text !== "string") return void this.output.push(text);
    const left = [...values];
    for (const piece of text.match(/%[-+ #0-9.]*[hlz]*[a-zA-Z%]|[^%]+|%/g) ?? []) {
      if (piece === "%%") this.output.push("%");
      else if (/^%.*[a-zA-Z]$/.test(piece)) this.output.push(this.#value(left.shift()));
      else this.output.push(piece);
    }
  }

  #value(expression: readonly Token[] | undefined): OutputPart {
    const first = expression?.[0];
    if (first?.kind === "string") return new TokenCursor(expression ?? []).expectString();
    if (first?.kind === "number") return first.text;
    if (first?.text === "argv" && expression?.[2]?.kind === "number") return { argument: Number(expression[2].text) };
    return (first === undefined ? undefined : this.#strings.get(first.text)) ?? "0";
  }
}

function splitArguments(tokens: readonly Token[]): readonly (readonly Token[])[] {
  const values: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    if (token.kind === "punctuation" && "([{".includes(token.text)) depth += 1;
    if (token.kind === "punctuation" && ")]}".includes(token.text)) depth -= 1;
    if (depth === 0 && token.text === "," && token.kind === "punctuation") values.push([]);
    else values.at(-1)?.push(token);
  }
  return values;
}
