/** How the node was before the first deployment changed it: kept on the node itself, because only the first look sees it. */
import type { FileSeen, Json, Outputs, Verdict } from "../../deploy/recipe.js";
import { failed } from "./verdict.js";

export interface Before {
  /** `uname -r`. */
  readonly release: string;
  /** Id of the old kernel's own menu entry: "gnulinux-advanced-UUID>gnulinux-5.15.0-91-generic-advanced-UUID". */
  readonly entry: string;
  /** What the boot menu's default was: id, title or "" for the first. */
  readonly defaultEntry: string;
  /** /proc/sys/kernel/randomize_va_space. */
  readonly aslr: string;
  /** The line of /etc/sysctl.conf that sets it; "" without one. env_setup.sh adds one only then. */
  readonly sysctlLine: string;
}

const keys = ["release", "entry", "defaultEntry", "aslr", "sysctlLine"] as const;

export function formatBefore(before: Before): string {
  return `${JSON.stringify(before, keys as unknown as string[], 2)}\n`;
}

/** Undefined when the text is no such record. */
export function parseBefore(text: string | undefined): Before | undefined {
  try {
    return beforeFrom(JSON.parse(text ?? "") as Json);
  } catch {
    return undefined;
  }
}

/** What a step has put out, when all of it is there. */
export function beforeFrom(value: Json | Outputs[string] | undefined): Before | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const fields = value as Readonly<Record<string, unknown>>;
  return keys.every((key) => typeof fields[key] === "string")
    ? (Object.fromEntries(keys.map((key) => [key, fields[key]])) as unknown as Before)
    : undefined;
}

/** The record read back; puts it out. */
export function judgeBefore(file: FileSeen | undefined): Verdict {
  const before = parseBefore(file?.text);
  if (before === undefined) return failed("what was before cannot be read back: the way back would not be known");
  return { ok: true, lines: [`before: Linux ${before.release}, randomize_va_space ${before.aslr}`], outputs: { ...before } };
}
