/** Statements of GRUB's script language, as far as generated grub.cfg files use it: commands, blocks, if, function. */
import { LabError } from "../../../proto/base/errors.js";
import { splitWords, type Token, type Word } from "./grub-words.js";

export type Statement =
  /** `block`: the braces after `menuentry` and `submenu`. */
  | { readonly kind: "command"; readonly words: readonly Word[]; readonly block: readonly Statement[] | undefined }
  | { readonly kind: "if"; readonly branches: readonly Branch[]; readonly otherwise: readonly Statement[] }
  | { readonly kind: "function"; readonly name: string; readonly body: readonly Statement[] };

export interface Branch {
  readonly condition: readonly Statement[];
  readonly body: readonly Statement[];
}

/** GRUB would say "syntax error" too, or the script uses a loop, which is not simulated. */
export class GrubSyntaxError extends LabError {
  readonly code = "invalid-argument";
}

/** What no statement begins with, or none that is simulated. */
const unexpected = ["while", "until", "for", "then", "elif", "else", "fi", "{", "&", "|", "<", ">"];

/** Parses a script. Throws GrubSyntaxError. */
export function parseScript(script: string): readonly Statement[] {
  const parser = new Parser(splitWords(script));
  const statements = parser.statements([]);
  parser.end();
  return statements;
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  end(): void {
    if (this.#at < this.#tokens.length) throw new GrubSyntaxError("syntax error: unexpected `}' or keyword");
  }

  /** Statements up to one of `stops` (keywords, or "}"), which is left to the caller. */
  statements(stops: readonly string[]): readonly Statement[] {
    const statements: Statement[] = [];
    for (;;) {
      while (this.#peek() === ";") this.#at += 1;
      const next = this.#peek();
      if (next === undefined) return statements;
      if (stops.includes(next) || next === "}") return statements;
      statements.push(this.#statement(next));
    }
  }

  #statement(next: string): Statement {
    if (next === "if") return this.#if();
    if (next === "function") return this.#function();
    if (unexpected.includes(next)) {
      throw new GrubSyntaxError(`syntax error: unexpected \`${next}'`);
    }
    return this.#command();
  }

  #command(): Statement {
    const words: Word[] = [];
    for (let token = this.#tokens[this.#at]; token?.kind === "word"; token = this.#tokens[this.#at]) {
      words.push(token);
      this.#at += 1;
    }
    return { kind: "command", words, block: this.#peek() === "{" ? this.#block() : undefined };
  }

  #block(): readonly Statement[] {
    this.#expect("{");
    const body = this.statements([]);
    this.#expect("}");
    return body;
  }

  #if(): Statement {
    const branches: Branch[] = [];
    let keyword = "if";
    while (keyword !== "else" && keyword !== "fi") {
      this.#expect(keyword);
      const condition = this.statements(["then"]);
      this.#expect("then");
      const body = this.statements(["elif", "else", "fi"]);
      branches.push({ condition, body });
      keyword = this.#peek() ?? "fi";
    }
    let otherwise: readonly Statement[] = [];
    if (keyword === "else") {
      this.#expect("else");
      otherwise = this.statements(["fi"]);
    }
    this.#expect("fi");
    return { kind: "if", branches, otherwise };
  }

  #function(): Statement {
    this.#expect("function");
    const name = this.#peek() ?? "";
    this.#at += 1;
    return { kind: "function", name, body: this.#block() };
  }

  /** The next token as a keyword could read it: a mark, a bare word, or "" for any other word; undefined at the end. */
  #peek(): string | undefined {
    const token = this.#tokens[this.#at];
    if (token === undefined) return undefined;
    return token.kind === "mark" ? token.mark : (token.bare ?? "");
  }

  #expect(keyword: string): void {
    const found = this.#peek();
    if (found !== keyword) throw new GrubSyntaxError(`syntax error: expected \`${keyword}', found \`${found ?? "end of file"}'`);
    this.#at += 1;
  }
}
