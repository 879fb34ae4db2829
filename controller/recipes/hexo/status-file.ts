/** `.status`, which a proxy appends to at every change: "1573000000.123456:STATUS_READY_FOR_MIGRATION" (facts: HEXO §3). */

export type ProxyState =
  | "READY_FOR_MIGRATION"
  | "CHECKPOINTING"
  | "SERVING_REMOTE_PAGES"
  | "RESTORING_CHKPT"
  | "PULLING_PAGES"
  | "NOT_RUNNING";

export interface StatusEntry {
  /** By the machine's own clock, ms since the Unix epoch, with fractions. */
  readonly atMs: number;
  readonly state: string;
  readonly line: string;
}

/** Every change since `sinceMs`, in order. Lines that are none, such as the "---" after an end, are left out. */
export function readStatus(text: string, sinceMs = 0): StatusEntry[] {
  return text.split("\n").flatMap((line) => {
    const match = /^(\d+)\.(\d{1,6}):STATUS_([A-Z_]+)\s*$/.exec(line);
    if (match === null) return [];
    const atMs = Number(match[1]) * 1000 + Number((match[2] ?? "").padEnd(6, "0")) / 1000;
    return atMs < sinceMs ? [] : [{ atMs, state: match[3] ?? "", line: line.trim() }];
  });
}

export function entryOf(entries: readonly StatusEntry[], ...states: readonly ProxyState[]): StatusEntry | undefined {
  return entries.find(({ state }) => (states as readonly string[]).includes(state));
}

/** What it says last, for messages. */
export function lastState(entries: readonly StatusEntry[]): string {
  return entries.at(-1)?.state ?? "nothing";
}
