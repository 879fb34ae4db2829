/** What has been received and is to be written together: bytes, and marks whose offsets lie among or after them. */
import type { Mark } from "./events.js";

export interface MarkLine {
  /** The same id again replaces the mark. */
  readonly id: number;
  readonly mark: Mark;
}

export class Batch {
  readonly marks: MarkLine[] = [];
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  #firstMs: number | undefined;

  get bytes(): number {
    return this.#bytes;
  }

  /** When the first of the bytes arrived; undefined when there are none. */
  get firstMs(): number | undefined {
    return this.#firstMs;
  }

  get isEmpty(): boolean {
    return this.#bytes === 0 && this.marks.length === 0;
  }

  append(data: Uint8Array, receivedMs: number): void {
    this.#firstMs ??= receivedMs;
    this.#chunks.push(data);
    this.#bytes += data.length;
  }

  /** All bytes in one piece: one write, and one memory for followers that keep up. */
  join(): Uint8Array {
    const [only] = this.#chunks;
    return only !== undefined && this.#chunks.length === 1 ? only : Buffer.concat(this.#chunks, this.#bytes);
  }
}
