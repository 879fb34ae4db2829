/** As much of GRUB's script language as a menu needs: words with their quotes taken off, blocks, commands (GRUB manual §"Shell-like scripting"). */
import { InvalidArgumentError } from "../../../proto/base/errors.js";

/** A command with its words; `block` when it has one in braces (menuentry, submenu, function). */
export interface GrubCommand {
  readonly words: readonly string[];
  readonly block: readonly GrubCommand[] | undefined;
}

type Token = { readonly kind: "word"; readonly text: string } | { readonly kind: "end" | "open" | "close" };

/** Commands of a script in order. Variables stay as written (`$root`); what cannot be read is passed over, as GRUB's menu does. */
export function parseGrubScript(script: string): readonly GrubCommand[] {
  return parseBlock(tokens(script), false);
}

function parseBlock(source: Iterator<Token, undefined>, nested: boolean): GrubCommand[] {
  const commands: GrubCommand[] = [];
  let words: string[] = [];
  const finish = (block: GrubCommand[] | undefined) => {
    if (words.length > 0) commands.push({ words, block });
    words = [];
  };
  for (let next = source.next(); next.value !== undefined; next = source.next()) {
    const token = next.value;
    if (token.kind === "word") words.push(token.text);
    else if (token.kind === "end") finish(undefined);
    else if (token.kind === "open") finish(parseBlock(source, true));
    else if (nested) break;
  }
  finish(undefined);
  return commands;
}

/** One alternative per token: newline or ";", comment, brace standing alone, word of quoted and plain pieces; else one character to skip. */
const lexicon = /(\n|;)|(#[^\n]*)|([{}])(?=[\s;]|$)|((?:\\[\s\S]|'[^']*'|"(?:\\[\s\S]|[^"\\])*"|\$\{[^}\n]*\}|[^\s;'"\\])+)|[\s\S]/g;

function* tokens(script: string): Generator<Token, undefined> {
  // A backslash at the end of a line joins it with the next.
  for (const match of script.replace(/\\\n/g, "").matchAll(lexicon)) {
    const [, end, , brace, word] = match;
    if (end !== undefined) yield { kind: "end" };
    else if (brace !== undefined) yield { kind: brace === "{" ? "open" : "close" };
    else if (word !== undefined) yield { kind: "word", text: unquoteWord(word) };
  }
  return undefined;
}

/** 'a b' and "a b" and a\ b are the word a b; between double quotes a backslash counts only before $ " \ and newline. */
function unquoteWord(word: string): string {
  return word.replace(/'([^']*)'|"((?:\\[\s\S]|[^"\\])*)"|\\([\s\S])/g, (_, single?: string, double?: string, escaped?: string) => {
    if (single !== undefined) return single;
    if (double !== undefined) return double.replace(/\\([$"\\\n])/g, "$1");
    return escaped ?? "";
  });
}

/** A word that GRUB reads as `text`, whatever is in it. Throws InvalidArgumentError for a line break. */
export function quoteWord(text: string): string {
  if (/[\n\r\0]/.test(text)) throw new InvalidArgumentError(`boot entry: ${JSON.stringify(text)} holds a line break`);
  return /^[A-Za-z0-9_/.,:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * A kernel command line for GRUB's `linux` commands so that the kernel sees it unchanged: `memmap=2G$4G` → `memmap=2G\$4G`. Throws
 * InvalidArgumentError for quotes, backslashes and line breaks: GRUB passes them on changed, however they are written (facts: vlab).
 */
export function quoteCommandLine(commandLine: string): string {
  const impossible = /["'\\\n\r\0]/.exec(commandLine)?.[0];
  if (impossible !== undefined) {
    throw new InvalidArgumentError(
      `boot entry: GRUB cannot pass ${JSON.stringify(impossible)} to a kernel unchanged; write the arguments without it`,
      {
        facts: { arguments: commandLine },
      },
    );
  }
  return commandLine
    .split(/\s+/)
    .filter((word) => word !== "")
    .map((word) => word.replace(/[$;|&<>{}#`*?[\]()]/g, "\\$&"))
    .join(" ");
}
