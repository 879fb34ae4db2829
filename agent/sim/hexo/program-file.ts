/**
 * A unikernel program as the stand-in toolchain links it: a file that begins like an ELF file and says what it is. The names are
 * fixed: prog_x86-64[_aligned], prog_aarch64[_aligned] (facts: HEXO §2). Pure.
 */
export const architectures = ["x86_64", "aarch64"] as const;
export type Architecture = (typeof architectures)[number];

export interface Program {
  /** Directory of the application: "is", "npb-is", "hello". */
  readonly app: string;
  /** NPB problem class: "B"; "" for an application that has none. */
  readonly problemClass: string;
  /** Digest of everything that was compiled in: both architectures' programs of one build share it. */
  readonly source: string;
  readonly architecture: Architecture;
  /** Whether its symbols lie at the same addresses on both architectures: without that nothing can be restored. */
  readonly aligned: boolean;
  /** Whether functions are instrumented (-finstrument-functions): every call is a migration point. */
  readonly instrumented: boolean;
}

const magic = "\u007fELF\u0002\u0001\u0001\u00ff HermitCore unikernel\n";

export function programName(architecture: Architecture, aligned: boolean): string {
  return `prog_${architecture === "x86_64" ? "x86-64" : "aarch64"}${aligned ? "_aligned" : ""}`;
}

export function formatProgram(program: Program): string {
  return `${magic}${JSON.stringify(program)}\n`;
}

/** Reads a file as a program; undefined when it is none, or not a whole one. */
export function parseProgram(contents: string | undefined): Program | undefined {
  if (contents?.startsWith(magic) !== true) return undefined;
  try {
    return JSON.parse(contents.slice(magic.length)) as Program;
  } catch {
    return undefined;
  }
}
