/** Values of the command line's own options. */
import { InvalidArgumentError as BadOption } from "commander";

/** For options that may be given several times. */
export function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

export function natural(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new BadOption("give a number that is not negative");
  return value;
}

export function positive(text: string): number {
  const value = natural(text);
  if (value === 0) throw new BadOption("give a number above 0");
  return value;
}

/** Milliseconds of "90", "90s", "30m" or "2h": seconds where nothing else is said. */
export function span(text: string): number {
  const [, value = "", unit = "s"] = /^(\d+(?:\.\d+)?)\s*(s|m|min|h)?$/.exec(text) ?? [];
  const ms = Math.round(Number(value) * ({ s: 1000, m: 60_000, min: 60_000, h: 3_600_000 }[unit] ?? 1000));
  if (value === "" || ms === 0) throw new BadOption("give a time above 0: 90, 90s, 30m, 2h");
  if (ms > longestSpanMs) throw new BadOption("give at most 24h");
  return ms;
}

const longestSpanMs = 24 * 3_600_000;
