/** Sizes of memory as the proxy takes them, and as people read them. */

const units: Readonly<Record<string, number>> = { M: 2 ** 20, G: 2 ** 30 };

/** "2G" → bytes; the shape is checked by the parameter's schema. */
export function parseMemory(text: string): number {
  return Number.parseInt(text, 10) * (units[text.slice(-1)] ?? 1);
}

export function inMebibytes(bytes: number): string {
  return `${Math.floor(bytes / 2 ** 20)} MiB`;
}
