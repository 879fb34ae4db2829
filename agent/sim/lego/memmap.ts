/** `memmap=nn$ss` on a kernel command line, and the ExCache a processor manager makes of it (facts: LegoOS §5). Pure. */

export interface MemoryRange {
  readonly start: number;
  readonly size: number;
}

const gigabyte = 2 ** 30;
const pageBytes = 4096;
/** A page of metadata describes 32 cache lines of one page each. */
const linesPerUnit = 32;
const unitBytes = (linesPerUnit + 1) * pageBytes;
const associativity = 64;

/** Every range reserved by `memmap=nn$ss`. Anything else behind `memmap=` reserves nothing: a stray backslash, a lost `$ss`. */
export function reservedRanges(commandLine: string): readonly MemoryRange[] {
  return [...commandLine.matchAll(/(?:^|\s)memmap=(\w+)\$(\w+)(?=\s|$)/g)].flatMap(([, size, start]) => {
    const range = { start: parseSize(start ?? ""), size: parseSize(size ?? "") };
    // NaN, from what is no size, is not a whole number of pages either.
    return range.start % pageBytes === 0 && range.size % pageBytes === 0 ? [range] : [];
  });
}

/** "2G", "512M", "0x80000000"; NaN when it is no size. */
function parseSize(text: string): number {
  const match = /^(0x[0-9a-f]+|\d+)([kmg]?)$/i.exec(text);
  if (match?.[1] === undefined) return Number.NaN;
  return Number(match[1]) * { "": 1, k: 1024, m: 1024 ** 2, g: gigabyte }[(match[2] ?? "").toLowerCase() as "" | "k" | "m" | "g"];
}

/** Physical RAM: the last gigabyte below 4 GB belongs to devices, what would be there lies above 4 GB. */
export function ramRanges(memoryBytes: number): readonly MemoryRange[] {
  const low = Math.min(memoryBytes, 3 * gigabyte);
  return [{ start: 0, size: low }, ...(memoryBytes > low ? [{ start: 4 * gigabyte, size: memoryBytes - low }] : [])];
}

export function isRam(range: MemoryRange, memoryBytes: number): boolean {
  return ramRanges(memoryBytes).some((ram) => range.start >= ram.start && range.start + range.size <= ram.start + ram.size);
}

/** What the processor manager prints of its cache: half of the range, rounded down to a power of two. */
export function cacheLines(range: MemoryRange): readonly string[] {
  const units = 2 ** Math.floor(Math.log2(Math.max(1, Math.floor(range.size / unitBytes))));
  const lines = units * linesPerUnit;
  return [
    "Processor LLC Configurations:",
    `    PhysStart:         0x${range.start.toString(16)}`,
    `    VirtStart:         ${virtualAddress(range.start)}`,
    `    Registered Size:   0x${range.size.toString(16)}`,
    `    Actual Used Size:  0x${(units * unitBytes).toString(16)}`,
    `    NR cachelines:     ${lines}`,
    `    Associativity:     ${associativity}`,
    `    NR Sets:           ${lines / associativity}`,
    `    Cacheline size:    ${pageBytes} B`,
    `    NR pages for data: ${lines}`,
    `    NR pages for meta: ${units}`,
    "    Memmap $ semantic:       memblock reserved",
  ];
}

/** Where the kernel maps a physical address: "0xffff880100000000". */
export function virtualAddress(physical: number): string {
  return `0x${(0xffff880000000000n + BigInt(physical)).toString(16)}`;
}
