/** A complaint of the stand-in compiler. It never leaves agent/sim: make prints it as gcc would and exits 2. */

export interface SourcePosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export class CompileError extends Error {
  readonly at: SourcePosition;

  constructor(at: SourcePosition, message: string) {
    super(message);
    this.name = "CompileError";
    this.at = at;
  }

  /** "net/lego/fit_machine.c:45:2: error: …", as gcc writes it. */
  get diagnostic(): string {
    return `${this.at.file}:${this.at.line}:${this.at.column}: error: ${this.message}`;
  }
}
