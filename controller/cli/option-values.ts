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
