/** Where `lab` prints: what is known of the other end, and words before colours. */

export interface Terminal {
  /** One line of result, to standard output. */
  print(line: string): void;
  /** Text without a line end of ours. */
  write(text: string): void;
  /** One line about the work, to standard error: never part of the result. */
  note(line: string): void;
  /** Standard output is a person's terminal. */
  readonly interactive: boolean;
  readonly columns: number;
  readonly rows: number;
  readonly style: Style;
}

export type Paint = (text: string) => string;

export interface Style {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly red: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
  readonly cyan: Paint;
  /** A colour of its own for the n-th node. */
  readonly node: (index: number) => Paint;
}

const plain: Paint = (text) => text;
export const plainStyle: Style = { bold: plain, dim: plain, red: plain, green: plain, yellow: plain, cyan: plain, node: () => plain };

const paint =
  (code: string): Paint =>
  (text) =>
    text === "" ? "" : `\u001b[${code}m${text}\u001b[0m`;
const nodeColours = ["36", "33", "35", "32", "34", "91", "96", "93"];
export const colourStyle: Style = {
  bold: paint("1"),
  dim: paint("2"),
  red: paint("31"),
  green: paint("32"),
  yellow: paint("33"),
  cyan: paint("36"),
  node: (index) => paint(nodeColours[index % nodeColours.length] ?? "36"),
};

/** The process's own terminal. Colour only where a person looks, and never against NO_COLOR or --no-color. */
export function processTerminal(options: { colour: boolean; env: NodeJS.ProcessEnv }): Terminal {
  const interactive = process.stdout.isTTY === true;
  const forced = options.env["FORCE_COLOR"] !== undefined && options.env["FORCE_COLOR"] !== "0";
  const colour = options.colour && (options.env["NO_COLOR"] ?? "") === "" && (interactive || forced) && options.env["TERM"] !== "dumb";
  return {
    print: (line) => void process.stdout.write(`${line}\n`),
    write: (text) => void process.stdout.write(text),
    note: (line) => void process.stderr.write(`${line}\n`),
    interactive,
    get columns() {
      return process.stdout.columns ?? 120;
    },
    get rows() {
      return process.stdout.rows ?? 24;
    },
    style: colour ? colourStyle : plainStyle,
  };
}

const escapes = new RegExp(String.raw`\u001b\[[0-9;]*m`, "g");

/** Width on screen: without colour, one cell a code point. */
export function width(text: string): number {
  return Array.from(text.replace(escapes, "")).length;
}

/** Cut to a number of cells with an ellipsis; colours are dropped when it must cut. */
export function fit(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  return `${Array.from(text.replace(escapes, ""))
    .slice(0, Math.max(0, columns - 1))
    .join("")}…`;
}

export function pad(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - width(text)));
}

/** Rows in columns as wide as their widest cell, two blanks apart; no blanks at the end of a line. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, index) => (widths[index] = Math.max(widths[index] ?? 0, width(cell))));
  return rows.map((row) =>
    row
      .map((cell, index) => (index === row.length - 1 ? cell : pad(cell, widths[index] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}
