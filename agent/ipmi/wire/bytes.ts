/** A position in received bytes, and bytes that grow. Every multi-byte number of IPMI is little-endian. */
import { MalformedPacketError } from "./malformed.js";

export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #subject: string;
  #at = 0;

  constructor(bytes: Uint8Array, subject: string) {
    this.#bytes = bytes;
    this.#subject = subject;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  /** An unsigned number of `width` bytes (at most 6). Throws MalformedPacketError at the end. */
  number(width: number): number {
    const part = this.take(width);
    let value = 0;
    for (let i = width - 1; i >= 0; i -= 1) value = value * 256 + (part[i] ?? 0);
    return value;
  }

  /** The next bytes, as a view. Throws MalformedPacketError when there are fewer. */
  take(length: number): Uint8Array {
    if (length > this.remaining) {
      throw new MalformedPacketError(this.#subject, `ends after ${this.#bytes.length} bytes, needs ${this.#at + length}`);
    }
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** What remains, as a view, without moving on. */
  peek(): Uint8Array {
    return this.#bytes.subarray(this.#at);
  }

  rest(): Uint8Array {
    return this.take(this.remaining);
  }

  /** A reader of what remains with zeros behind it, for messages that may end early. */
  zeroExtended(length: number): ByteReader {
    const extended = new Uint8Array(Math.max(length, this.remaining));
    extended.set(this.rest());
    return new ByteReader(extended, this.#subject);
  }

  refuse(reason: string): never {
    throw new MalformedPacketError(this.#subject, reason);
  }
}

export class ByteWriter {
  #bytes = new Uint8Array(64);
  #length = 0;

  number(width: number, value: number): void {
    const part = this.#grow(width);
    for (let i = 0; i < width; i += 1) part[i] = Math.floor(value / 256 ** i) & 0xff;
  }

  append(bytes: Uint8Array): void {
    this.#grow(bytes.length).set(bytes);
  }

  zeros(count: number): void {
    this.#grow(count);
  }

  /** What was written so far, in memory of its own. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #grow(by: number): Uint8Array {
    const needed = this.#length + by;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#length = needed;
    return this.#bytes.subarray(needed - by, needed);
  }
}

/** One array from many. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
