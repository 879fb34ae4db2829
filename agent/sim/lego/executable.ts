/**
 * User programs. A stand-in executable begins like an ELF file and holds what the program will write; the same file serves in a
 * memory manager's image (RAMFS) and on the storage node's disk. Pure.
 */

/** Output in source order; `argument` is an index into argv. */
export type OutputPart = string | { readonly argument: number };

export interface Executable {
  readonly linkage: "static" | "dynamic";
  readonly behaviour:
    | { readonly kind: "compiled"; readonly output: readonly OutputPart[]; readonly exitStatus: number }
    /** Runs the script named by argv[1]. */
    | { readonly kind: "python" }
    /** Writes its arguments, as /bin/echo does. */
    | { readonly kind: "echo" };
}

/** What a program did: each element of `writes` was one write() to standard output. */
export interface ProgramRun {
  readonly writes: readonly string[];
  readonly exitStatus: number;
}

const elfMagic = "\u007fELF\u0002\u0001\u0001 LABD-SIM-PROGRAM\n";

export function formatExecutable(executable: Executable): string {
  return `${elfMagic}${JSON.stringify(executable)}\n`;
}

/** Reads a file as an executable; undefined when it is none (a script, a text, nothing). */
export function parseExecutable(contents: string | undefined): Executable | undefined {
  return contents?.startsWith(elfMagic) === true ? (JSON.parse(contents.slice(elfMagic.length)) as Executable) : undefined;
}

/** Runs a program; `readFile` reads the file system it lives in. */
export function runExecutable(executable: Executable, argv: readonly string[], readFile: (path: string) => string | undefined): ProgramRun {
  const { behaviour } = executable;
  if (behaviour.kind === "python") return runPython(argv, readFile);
  if (behaviour.kind === "echo") return { writes: [`${argv.slice(1).join(" ")}\n`], exitStatus: 0 };
  const text = behaviour.output.map((part) => (typeof part === "string" ? part : (argv[part.argument] ?? "(null)"))).join("");
  return { writes: splitLines(text), exitStatus: behaviour.exitStatus };
}

function runPython(argv: readonly string[], readFile: (path: string) => string | undefined): ProgramRun {
  const script = argv[1];
  if (script === undefined) return { writes: [], exitStatus: 0 };
  const source = readFile(script);
  if (source !== undefined) return runScript(source, argv.slice(1));
  return { writes: [`${argv[0]}: can't open file '${script}': [Errno 2] No such file or directory\n`], exitStatus: 2 };
}

/**
 * The Python this understands: a line that is a `print` of string literals, numbers and sys.argv[n], joined by commas, + or
 * `.format(…)` / `%` with those; and `sys.exit(n)`. Everything else is taken for something that prints nothing.
 */
export function runScript(source: string, argv: readonly string[]): ProgramRun {
  const writes: string[] = [];
  for (const line of source.split("\n")) {
    const exit = /^\s*(?:sys\.)?exit\((\d*)\)/.exec(line);
    if (exit !== null) return { writes, exitStatus: Number(exit[1]) };
    const printed = /^\s*print\s*\(?(.*?)\)?\s*(?:#.*)?$/.exec(line);
    if (printed?.[1] !== undefined) writes.push(`${printExpression(printed[1], argv)}\n`);
  }
  return { writes, exitStatus: 0 };
}

function printExpression(expression: string, argv: readonly string[]): string {
  const pieces: string[] = [];
  let joinNext = false;
  for (const match of expression.matchAll(/[fru]?("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|sys\.argv\[(\d+)\]|(\d+)|[+%,]|\.format/g)) {
    const [token, literal, argument, number] = match;
    if (token === "+" || token === ",") joinNext = token === "+";
    else if (token === "%" || token === ".format") continue;
    else {
      const text = literal === undefined ? (number ?? argv[Number(argument)] ?? "") : withArguments(literal.slice(1, -1), argv);
      place(pieces, text, joinNext);
      joinNext = false;
    }
  }
  return pieces.join(" ");
}

/** Puts a value behind the others, glues it on after a +, or fills the first hole of a format before it. */
function place(pieces: string[], text: string, glue: boolean): void {
  const last = pieces.at(-1);
  const hole = last === undefined ? -1 : last.search(/%s|%d|\{\d*\}/);
  if (last !== undefined && hole >= 0) pieces[pieces.length - 1] = last.replace(/%s|%d|\{\d*\}/, () => text);
  else if (last !== undefined && glue) pieces[pieces.length - 1] = last + text;
  else pieces.push(text);
}

function withArguments(text: string, argv: readonly string[]): string {
  return text
    .replace(/\{sys\.argv\[(\d+)\]\}/g, (_, index: string) => argv[Number(index)] ?? "")
    .replace(/\\n/g, "\n")
    .replace(/\\t/g, "\t");
}

/** Standard output is line buffered: each line is a write of its own. */
export function splitLines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}
