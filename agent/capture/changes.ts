/** Lets any number of followers sleep until there is more to tell. */
import { CancelledError } from "../../proto/base/errors.js";

export class Changes {
  readonly #sleepers = new Set<() => void>();
  #closed = false;

  /** True once nothing more will come. */
  get closed(): boolean {
    return this.#closed;
  }

  tell(): void {
    const sleepers = [...this.#sleepers];
    this.#sleepers.clear();
    for (const wake of sleepers) wake();
  }

  close(): void {
    this.#closed = true;
    this.tell();
  }

  /** Resolves with the next change. Throws CancelledError when `signal` aborts first. */
  next(options?: { signal?: AbortSignal | undefined }): Promise<void> {
    const signal = options?.signal;
    if (this.#closed) return Promise.resolve();
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(CancelledError.from(signal));
      const wake = () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      };
      const onAbort = () => {
        this.#sleepers.delete(wake);
        reject(CancelledError.from(signal));
      };
      this.#sleepers.add(wake);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }
}
