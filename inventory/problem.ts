/** A problem of an inventory file, at its place. */

export interface Problem {
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** "nodes.p0.bmc.address"; "" for the file as a whole. */
  readonly path: string;
  readonly message: string;
}

/** All problems, one a line, in file order and in columns: "lab.yaml:8:12   nodes.p0.bmc.adress   unknown key; …". */
export function formatProblems(file: string, problems: readonly Problem[]): string {
  const sorted = [...problems].sort((a, b) => a.line - b.line || a.column - b.column);
  const places = sorted.map((each) => `${file}:${each.line}:${each.column}`);
  const placeWidth = Math.max(...places.map((each) => each.length));
  const pathWidth = Math.max(...sorted.map((each) => each.path.length + 1));
  return sorted
    .map((each, index) => `${(places[index] ?? "").padEnd(placeWidth)}  ${`${each.path}:`.padEnd(pathWidth)}  ${each.message}`)
    .join("\n");
}
