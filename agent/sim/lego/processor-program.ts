/** managers/processor/core.c as the compiler reads it: what procmgmt() starts and with which arguments (facts: LegoOS §5). Pure. */
import { preprocess } from "./c-preprocessor.js";
import { describe, type Token, TokenCursor, tokenize } from "./c-tokens.js";
import { CompileError } from "./compile-error.js";

export interface InitProgram {
  /** Absolute path on the storage node; "" when nothing assigns init_filename. */
  readonly filename: string;
  /** Up to the first element nothing was assigned to. */
  readonly argv: readonly string[];
}

/** Reads procmgmt(): the last assignment of each variable wins, in branches that are compiled. Throws CompileError. */
export function compileInitProgram(file: string, source: string, defined: ReadonlyMap<string, string>): InitProgram {
  const cursor = new TokenCursor(tokenize(file, preprocess(file, source, defined)));
  if (!cursor.seek("procmgmt", "(")) throw new CompileError({ file, line: 1, column: 1 }, "‘procmgmt’ undeclared here (not in a function)");
  cursor.takeBody();
  cursor.expect("{");
  return readAssignments(cursor.takeBody());
}

function readAssignments(body: readonly Token[]): InitProgram {
  const cursor = new TokenCursor(body);
  const argv: (string | undefined)[] = [];
  let filename: string | undefined;
  while (cursor.next.kind !== "end") {
    const token = cursor.take();
    if (token.kind !== "name") continue;
    if (token.text === "init_filename" && cursor.skip("=")) filename = readValue(cursor, filename);
    else if (token.text === "argv_init" && cursor.skip("[")) {
      const index = cursor.expectInteger();
      cursor.expect("]");
      if (cursor.skip("=")) argv[index] = readValue(cursor, filename);
    }
  }
  const end = Array.from(argv).indexOf(undefined);
  return { filename: filename ?? "", argv: Array.from(end === -1 ? argv : argv.slice(0, end), (text) => text ?? "") };
}

function readValue(cursor: TokenCursor, filename: string | undefined): string | undefined {
  const value = cursor.skip("init_filename") ? filename : cursor.skip("NULL") ? undefined : cursor.expectString();
  if (!cursor.skip(";")) throw new CompileError(cursor.next.at, `expected ‘;’ before ${describe(cursor.next)}`);
  return value;
}
