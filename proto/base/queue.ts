/** A bounded queue between a producer that may not wait and a consumer that may be slow. */

export class BoundedQueue<T> implements AsyncIterable<T> {
  readonly #capacity: number;
  readonly #items: T[] = [];
  readonly #takers: { resolve: (result: IteratorResult<T>) => void; reject: (error: unknown) => void }[] = [];
  readonly #roomWaiters: (() => void)[] = [];
  #ended = false;
  #error: unknown;
  #failed = false;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#items.length;
  }

  /** Adds without waiting. False when the queue is full or closed: the item was not taken, the caller decides what that means. */
  offer(item: T): boolean {
    if (this.#ended) return false;
    const taker = this.#takers.shift();
    if (taker !== undefined) {
      taker.resolve({ value: item, done: false });
      return true;
    }
    if (this.#items.length >= this.#capacity) return false;
    this.#items.push(item);
    return true;
  }

  /** Adds, waiting for room. False when the queue was closed meanwhile. */
  async push(item: T): Promise<boolean> {
    while (!this.offer(item)) {
      if (this.#ended) return false;
      await new Promise<void>((resolve) => this.#roomWaiters.push(resolve));
    }
    return true;
  }

  /** Takes all that is queued, without waiting. */
  takeAll(): T[] {
    const items = this.#items.splice(0);
    this.#wakeProducers();
    return items;
  }

  /** No more items: consumers get what is queued, then the end. Idempotent. */
  close(): void {
    this.#ended = true;
    for (const taker of this.#takers.splice(0)) taker.resolve({ value: undefined, done: true });
    this.#wakeProducers();
  }

  /** No more items and a reason: consumers get what is queued, then `error`. */
  fail(error: unknown): void {
    if (this.#ended) return;
    this.#failed = true;
    this.#error = error;
    this.#ended = true;
    const [first, ...rest] = this.#takers.splice(0);
    first?.reject(error);
    for (const taker of rest) taker.resolve({ value: undefined, done: true });
    if (first !== undefined) this.#failed = false;
    this.#wakeProducers();
  }

  next(): Promise<IteratorResult<T>> {
    const item = this.#items.shift();
    if (item !== undefined) {
      this.#roomWaiters.shift()?.();
      return Promise.resolve({ value: item, done: false });
    }
    if (this.#failed) {
      this.#failed = false;
      return Promise.reject(this.#error);
    }
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => this.#takers.push({ resolve, reject }));
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return {
      next: () => this.next(),
      return: () => {
        this.#items.length = 0;
        this.close();
        return Promise.resolve({ value: undefined, done: true });
      },
    };
  }

  #wakeProducers(): void {
    for (const wake of this.#roomWaiters.splice(0)) wake();
  }
}
