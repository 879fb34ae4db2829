/** Lets any number of waiters sleep until something has changed; they look for themselves what it was. */
import { CancelledError } from "./errors.js";

export class Changes {
  readonly #sleepers = new Set<() => void>();
  #closed = false;

  /** True once nothing will change any more. */
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

  /** Resolves with the next change, at once when closed. Throws CancelledError when `signal` aborts first. */
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
