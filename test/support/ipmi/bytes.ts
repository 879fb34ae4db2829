/** Bytes for tests: hexadecimal, recorded exchanges, seeded randomness. */

export interface Frame {
  readonly direction: ">" | "<";
  readonly bytes: Uint8Array;
}

/** The datagrams of a recorded exchange, in order. */
export function frames(exchange: string): readonly Frame[] {
  return exchange
    .trim()
    .split("\n")
    .map((line) => ({ direction: line.startsWith(">") ? ">" : "<", bytes: fromHex(line.slice(2)) }));
}

export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** The same pseudo-random bytes for the same seed (xorshift32): failures can be repeated. */
export function seededBytes(seed: number): (length: number) => Uint8Array {
  let state = seed || 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state & 0xff;
  };
  return (length) => Uint8Array.from({ length }, next);
}
