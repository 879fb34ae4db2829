/** A number of places; who finds none waits in line. */
import { CancelledError } from "../../../proto/base/errors.js";

export class Slots {
  #free: number;
  readonly #line: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Resolves with the way to give the place back, which may be called more than once. Throws CancelledError. */
  async take(options?: { signal?: AbortSignal | undefined }): Promise<() => void> {
    if (this.#free > 0) this.#free -= 1;
    else await this.#queue(options?.signal);
    let given = false;
    return () => {
      if (given) return;
      given = true;
      const next = this.#line.shift();
      if (next === undefined) this.#free += 1;
      else next();
    };
  }

  #queue(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(CancelledError.from(signal));
      const called = () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      };
      const onAbort = () => {
        this.#line.splice(this.#line.indexOf(called), 1);
        reject(CancelledError.from(signal));
      };
      this.#line.push(called);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }
}
