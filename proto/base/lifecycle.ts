/** Who creates, closes: a stack of things to close, in reverse order, once. */

export class Lifecycle {
  readonly #closers: (() => void | Promise<void>)[] = [];
  #closing: Promise<void> | undefined;

  /** Registers `close` to run when this lifecycle closes. After closing has begun it runs at once. */
  onClose(close: () => void | Promise<void>): void {
    if (this.#closing !== undefined) void close();
    else this.#closers.push(close);
  }

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** Closes everything, last registered first; one failing closer does not stop the others. Throws the first error at the end. */
  close(): Promise<void> {
    this.#closing ??= this.#run();
    return this.#closing;
  }

  async #run(): Promise<void> {
    let failure: unknown;
    let failed = false;
    for (const close of this.#closers.splice(0).reverse()) {
      try {
        await close();
      } catch (error) {
        if (!failed) failure = error;
        failed = true;
      }
    }
    if (failed) throw failure;
  }
}
