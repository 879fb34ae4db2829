/** HMAC (RFC 2104) under one key for many packets: both pads are hashed once, and nothing is made per packet. */
import { type BlockHash, hashBlockLength, sha1, sha256 } from "./sha.js";

const hashes = { sha1, sha256 } as const;
export type HmacHash = keyof typeof hashes;

export class PacketHmac {
  readonly #hash: BlockHash;
  /** The states after the pads: as good as the key. */
  readonly #inner: Int32Array;
  readonly #outer: Int32Array;
  readonly #state: Int32Array;
  readonly #tail = new Uint8Array(hashBlockLength);
  readonly #digest: Uint8Array;

  /** `key` has at most 64 bytes, as every key of a session has. */
  constructor(name: HmacHash, key: Uint8Array) {
    this.#hash = hashes[name];
    this.#inner = this.#padded(key, 0x36);
    this.#outer = this.#padded(key, 0x5c);
    this.#state = new Int32Array(this.#inner.length);
    this.#digest = new Uint8Array(this.#inner.length * 4);
  }

  /** HMAC of bytes [from, to), whole. The next call overwrites it. */
  of(bytes: Uint8Array, from: number, to: number): Uint8Array {
    this.#state.set(this.#inner);
    this.#finish(bytes, from, to);
    this.#state.set(this.#outer);
    return this.#finish(this.#digest, 0, this.#digest.length);
  }

  /** Overwrites what the key could be told by. */
  forget(): void {
    for (const words of [this.#inner, this.#outer, this.#state]) words.fill(0);
    this.#tail.fill(0);
    this.#digest.fill(0);
  }

  #padded(key: Uint8Array, pad: number): Int32Array {
    const block = new Uint8Array(hashBlockLength).fill(pad);
    for (const [i, byte] of key.entries()) block[i] = byte ^ pad;
    const state = Int32Array.from(this.#hash.initial);
    this.#hash.compress(state, block, 0);
    block.fill(0);
    return state;
  }

  /** Takes the last bytes behind a pad, fills up as FIPS 180-4 §5.1.1 says, and writes the state as bytes. */
  #finish(bytes: Uint8Array, from: number, to: number): Uint8Array {
    const { compress } = this.#hash;
    const state = this.#state;
    const tail = this.#tail;
    let at = from;
    for (; at + hashBlockLength <= to; at += hashBlockLength) compress(state, bytes, at);
    let used = to - at;
    for (let i = 0; i < used; i += 1) tail[i] = bytes[at + i] ?? 0;
    tail[used] = 0x80;
    used += 1;
    if (used > lengthAt) {
      tail.fill(0, used);
      compress(state, tail, 0);
      used = 0;
    }
    tail.fill(0, used);
    // A packet is far shorter than 2^29 bytes: the upper half of the length in bits is 0.
    writeWord(tail, hashBlockLength - 4, (hashBlockLength + to - from) * 8);
    compress(state, tail, 0);
    const digest = this.#digest;
    for (let i = 0; i < state.length; i += 1) writeWord(digest, 4 * i, state[i] ?? 0);
    return digest;
  }
}

/** Where the length in bits stands in the last block. */
const lengthAt = hashBlockLength - 8;

function writeWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 24;
  bytes[at + 1] = word >>> 16;
  bytes[at + 2] = word >>> 8;
  bytes[at + 3] = word;
}
