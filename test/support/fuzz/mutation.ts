/** Datagrams that are almost right: bits flipped, ends cut off or grown, two spliced together, one as it was before. */

export type Random = () => number;

export const mutationNames = ["replay", "flip", "byte", "truncate", "extend", "splice", "length"] as const;
export type Mutation = (typeof mutationNames)[number];

export function pick<T>(items: readonly T[], random: Random): T {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new RangeError("nothing to pick from");
  return item;
}

export function randomBytesOf(length: number, random: Random): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 1) bytes[at] = Math.floor(random() * 256);
  return bytes;
}

/** `datagram` after one mutation; `other` is what it may be spliced with. Neither is changed. */
export function mutate(mutation: Mutation, datagram: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  const at = Math.floor(random() * datagram.length);
  const copy = datagram.slice();
  switch (mutation) {
    case "replay":
      return copy;
    case "flip":
      for (let left = 1 + Math.floor(random() * 4); left > 0; left -= 1) {
        const bit = Math.floor(random() * datagram.length * 8);
        copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      }
      return copy;
    case "byte":
      copy[at] = Math.floor(random() * 256);
      return copy;
    case "truncate":
      return copy.subarray(0, at);
    case "extend":
      return Buffer.concat([copy, randomBytesOf(1 + Math.floor(random() * 40), random)]);
    case "splice":
      return Buffer.concat([copy.subarray(0, at), other.subarray(Math.floor(random() * other.length))]);
    case "length":
      // The length fields of both session formats, where mistakes hurt most.
      for (const field of [13, 14, 15]) if (field < copy.length && random() < 0.7) copy[field] = Math.floor(random() * 256);
      return copy;
  }
}
