/**
 * Lines that mean a kernel has crashed, whatever system was deployed. What only one system says (LegoOS: "Machine halted.") is in
 * its recipe. Spellings: Linux x86 and arm64 from 3.x on; LegoOS writes "Kernel Panic" (facts: LegoOS §6).
 */
import { countsAs, type SeenLine } from "./lines.js";
import type { FailureLine } from "./recipe.js";

export interface CrashLine {
  readonly pattern: RegExp;
  readonly meaning: string;
  /** False: worth citing, but the kernel goes on and so does the run. */
  readonly fatal: boolean;
}

/** First match wins. Anchored, so that a line that only quotes one (a shell, a log viewer) does not count. */
const crashLines: readonly CrashLine[] = [
  { pattern: /^(?:---\[ end )?kernel panic - not syncing/i, meaning: "kernel panic: the machine has stopped", fatal: true },
  { pattern: /^(?:(?:NMI )?watchdog: )?BUG: soft lockup\b/, meaning: "a CPU did not schedule for many seconds (soft lockup)", fatal: true },
  { pattern: /^(?:(?:NMI )?watchdog: )?Watchdog detected hard LOCKUP\b/, meaning: "a CPU takes no interrupts (hard lockup)", fatal: true },
  { pattern: /^BUG: workqueue lockup\b/, meaning: "a workqueue makes no progress", fatal: false },
  { pattern: /^BUG: K[AM]SAN:/, meaning: "the kernel's memory checker found a wrong access: memory can no longer be trusted", fatal: true },
  {
    pattern: /^(?:BUG: )?unable to handle (?:kernel|page fault)/i,
    meaning: "the kernel used an address that is not there (Oops)",
    fatal: true,
  },
  { pattern: /^(?:BUG:|kernel BUG at)\s/, meaning: "the kernel found a defect of its own (BUG)", fatal: true },
  { pattern: /^(?:Internal error: )?Oops\b/, meaning: "kernel fault (Oops)", fatal: true },
  {
    pattern: /^(?:general protection fault|double fault|divide error|invalid opcode|stack segment)\b.*\[#\d+\]/i,
    meaning: "kernel fault",
    fatal: true,
  },
  { pattern: /^(?:Fatal exception|Fixing recursive fault but reboot is needed)/, meaning: "kernel fault without recovery", fatal: true },
  {
    pattern: /^(?:mce: )?(?:\[Hardware Error\]: )?CPU \d+: Machine Check Exception:/i,
    meaning: "machine check: the hardware reports an error it could not correct",
    fatal: true,
  },
  {
    pattern: /^(?:mce: )?\[Hardware Error\]:/,
    meaning: "the hardware reports an error; look at the machine's event log",
    fatal: false,
  },
  { pattern: /^-+\[ cut here \]-+/, meaning: "a kernel warning or BUG report begins", fatal: false },
  { pattern: /^WARNING: CPU:/, meaning: "kernel warning with a trace; the kernel goes on", fatal: false },
  {
    pattern: /^INFO: \S+ (?:self-)?detected (?:expedited )?stalls?\b/,
    meaning: "a CPU keeps the kernel's grace period waiting (RCU stall)",
    fatal: false,
  },
  { pattern: /^INFO: task .* blocked for more than/, meaning: "a task hangs in the kernel", fatal: false },
  { pattern: /^Out of memory: Kill/, meaning: "the machine ran out of memory and killed a program", fatal: false },
  {
    pattern: /^\S+\[\d+\](?:: segfault at|.* general protection (?:fault )?ip:|: trap )/i,
    meaning: "a user program crashed",
    fatal: false,
  },
];

/** What this line says about a crash; undefined for a harmless line. A program's own text never counts. */
export function matchCrash(line: SeenLine): CrashLine | undefined {
  if (line.origin === "program" || line.continuation) return undefined;
  return crashLines.find((each) => each.pattern.test(line.message));
}

/** The first of a recipe's failure lines that this line is. What a program prints counts only for one that asks for programs. */
export function matchFailure(line: SeenLine, failureLines: readonly FailureLine[]): FailureLine | undefined {
  return failureLines.find(({ where, pattern }) => {
    const counts = where === "any" ? line.origin !== "program" : countsAs(where, line.origin);
    return counts && pattern.test(line.message);
  });
}
