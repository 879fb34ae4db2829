/**
 * Words of GRUB's script language, by its own quoting rules (GRUB manual, "Writing full configuration files directly"; its lexer's
 * definition of a variable): a name, or digits only. `$4G` is therefore the positional parameter 4, empty outside a function,
 * followed by `G`: `memmap=2G$4G` reaches the kernel as `memmap=2GG`.
 */

export interface TextPart {
  readonly kind: "text";
  readonly text: string;
}

export interface VariablePart {
  readonly kind: "variable";
  readonly name: string;
  /** Inside double quotes: its value is not split at blanks, and an empty one still makes a word. */
  readonly quoted: boolean;
}

export interface Word {
  readonly kind: "word";
  readonly parts: readonly (TextPart | VariablePart)[];
  /** The word as written when nothing in it is quoted or expanded: only such a word can be a keyword. */
  readonly bare: string | undefined;
  /** Something in it was quoted, so it is a word even when empty. */
  readonly quoted: boolean;
}

/** `mark`: one of `{ } ; & | < >`; a newline is a `;`. */
export type Token = Word | { readonly kind: "mark"; readonly mark: string };

const variable = /^\$(?:([A-Za-z_][A-Za-z0-9_]*|[0-9]+|[?#*@])|\{([A-Za-z_][A-Za-z0-9_]*|[0-9]+|[?#*@])\})/;

/** Splits a script into words and marks. An unclosed quote ends with the script. */
export function splitWords(script: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < script.length) {
    const rest = script.slice(at, at + 2);
    const next = rest.charAt(0);
    if (rest === "\\\n") at += 2;
    else if (next === " " || next === "\t" || next === "\r") at += 1;
    else if (next === "#") at = endOfLine(script, at);
    else if (/[\n;{}&|<>]/.test(next)) {
      tokens.push({ kind: "mark", mark: next === "\n" ? ";" : next });
      at += 1;
    } else {
      const reader = new WordReader(script, at);
      tokens.push(reader.read());
      at = reader.at;
    }
  }
  return tokens;
}

function endOfLine(script: string, from: number): number {
  const newline = script.indexOf("\n", from);
  return newline < 0 ? script.length : newline;
}

class WordReader {
  at: number;
  readonly #script: string;
  readonly #parts: (TextPart | VariablePart)[] = [];
  #text = "";
  #quoted = false;

  constructor(script: string, at: number) {
    this.#script = script;
    this.at = at;
  }

  read(): Word {
    let bare: string | undefined = "";
    while (this.at < this.#script.length) {
      const next = this.#script.charAt(this.at);
      if (/[\s;{}&|<>]/.test(next)) break;
      if (/['"\\$]/.test(next)) {
        bare = undefined;
        this.#special(next);
      } else {
        if (bare !== undefined) bare += next;
        this.#take(next, 1);
      }
    }
    this.#endText();
    return { kind: "word", parts: this.#parts, bare, quoted: this.#quoted };
  }

  #special(next: string): void {
    if (next === "'") this.#singleQuoted();
    else if (next === '"') this.#doubleQuoted();
    else if (next === "$") this.#dollar(false);
    else {
      const escaped = this.#script.charAt(this.at + 1);
      this.#take(escaped === "\n" ? "" : escaped, 2);
    }
  }

  #singleQuoted(): void {
    const close = this.#script.indexOf("'", this.at + 1);
    const end = close < 0 ? this.#script.length : close;
    this.#quoted = true;
    this.#take(this.#script.slice(this.at + 1, end), end + 1 - this.at);
  }

  /** A backslash escapes only `$`, `"`, itself and a newline here; before anything else it stays. */
  #doubleQuoted(): void {
    this.#quoted = true;
    this.at += 1;
    while (this.at < this.#script.length) {
      const next = this.#script.charAt(this.at);
      const after = this.#script.charAt(this.at + 1);
      if (next === '"') {
        this.at += 1;
        return;
      }
      if (next === "\\" && /[$"\\\n]/.test(after)) this.#take(after === "\n" ? "" : after, 2);
      else if (next === "$") this.#dollar(true);
      else this.#take(next, 1);
    }
  }

  #dollar(quoted: boolean): void {
    const match = variable.exec(this.#script.slice(this.at, this.at + 80));
    if (match === null) return this.#take("$", 1);
    this.#endText();
    this.#parts.push({ kind: "variable", name: match[1] ?? match[2] ?? "", quoted });
    this.at += match[0].length;
  }

  #take(text: string, length: number): void {
    this.#text += text;
    this.at += length;
  }

  #endText(): void {
    if (this.#text !== "") this.#parts.push({ kind: "text", text: this.#text });
    this.#text = "";
  }
}

/** Words an argument expands to: unquoted variables are split at blanks, an empty unquoted word vanishes. */
export function expandWord(word: Word, lookUp: (name: string) => string): string[] {
  const words: string[] = [];
  let current = "";
  let begun = word.quoted;
  for (const part of word.parts) {
    if (part.kind === "text") {
      current += part.text;
      begun = true;
      continue;
    }
    const value = lookUp(part.name);
    const [first = "", ...others] = part.quoted ? [value] : value.split(/\s+/);
    current += first;
    begun ||= first !== "" || part.quoted;
    for (const other of others) {
      if (begun) words.push(current);
      current = other;
      begun = other !== "";
    }
  }
  if (begun) words.push(current);
  return words;
}
