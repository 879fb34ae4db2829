/** A kernel panic on its way to the serial console. It never leaves agent/sim. */
export class Panic extends Error {
  /** Messages printed before the panic's own. */
  readonly before: readonly string[];

  constructor(reason: string, before: readonly string[] = []) {
    super(reason);
    this.name = "Panic";
    this.before = before;
  }
}
