/** The `memmap=nn$ss` parameter of the processor manager (facts: LegoOS §5). */

export interface Memmap {
  readonly sizeBytes: number;
  readonly startBytes: number;
}

const unitBytes = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 } as const;
const alignmentBytes = 2 * unitBytes.M;

/** Parses "2G$4G"; `problem` says what is wrong with a range that no PC could give. */
export function parseMemmap(text: string): Memmap | { readonly problem: string } {
  const match = /^(\d+)([KMG])\$(\d+)([KMG])$/.exec(text);
  if (match === null)
    return {
      problem: `"${text}" is not SIZE$START with K, M or G, as in 2G$4G (no backslash: the boot loader's quoting is labd's business)`,
    };
  const sizeBytes = Number(match[1]) * unitBytes[match[2] as keyof typeof unitBytes];
  const startBytes = Number(match[3]) * unitBytes[match[4] as keyof typeof unitBytes];
  if (sizeBytes < 64 * unitBytes.M) return { problem: `"${text}" sets aside less than 64M; half of it would be the cache` };
  if (sizeBytes % alignmentBytes !== 0 || startBytes % alignmentBytes !== 0)
    return { problem: `"${text}": size and start must be multiples of 2M, the size of the kernel's pages` };
  if (startBytes < 64 * unitBytes.M) return { problem: `"${text}" starts below 64M, where the kernel itself is loaded` };
  if (startBytes < 4 * unitBytes.G && startBytes + sizeBytes > 3 * unitBytes.G)
    return { problem: `"${text}" reaches into 3G…4G, where a PC has devices instead of memory; start at 4G or above` };
  return { sizeBytes, startBytes };
}
