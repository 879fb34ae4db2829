/** What stands behind "=" of a fault: shares, times, counts, choices. Read and printed the same way. */
import { InvalidArgumentError } from "../../../../proto/base/errors.js";

export interface FaultValue<T> {
  /** For people: "a share such as 20%". */
  readonly takes: string;
  readonly default: T;
  /** Throws InvalidArgumentError. */
  parse(text: string, fault: string): T;
  print(value: T): string;
}

function refusal(fault: string, text: string, takes: string): InvalidArgumentError {
  return new InvalidArgumentError(`BMC fault ${fault}: "${text}" is not ${takes}`);
}

/** Of datagrams, commands…: 0 to 1, written as per cent. */
export function share(byDefault: number): FaultValue<number> {
  const takes = "a share from 0% to 100%";
  return {
    takes,
    default: byDefault,
    parse(text, fault) {
      const percent = /^\d{1,3}(\.\d+)?%$/.test(text) ? Number(text.slice(0, -1)) : NaN;
      if (!(percent <= 100)) throw refusal(fault, text, takes);
      return percent / 100;
    },
    print: (value) => `${Number((value * 100).toFixed(3))}%`,
  };
}

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, min: 60_000 };
const longestMs = 3_600_000;

/** Milliseconds of real time, written with their unit. */
export function time(defaultMs: number): FaultValue<number> {
  const takes = "a time up to an hour: 300ms, 5s, 2min";
  return {
    takes,
    default: defaultMs,
    parse(text, fault) {
      const [, digits, unit] = /^(\d+(?:\.\d+)?)(ms|s|min)$/.exec(text) ?? [];
      const ms = Number(digits) * (unitsMs[unit ?? ""] ?? NaN);
      if (!(ms <= longestMs)) throw refusal(fault, text, takes);
      return ms;
    },
    print: (ms) => (ms >= 1000 && ms % 100 === 0 ? `${ms / 1000}s` : `${ms}ms`),
  };
}

export function count(byDefault: number, range: { least: number; most: number; of: string }): FaultValue<number> {
  const takes = `a number of ${range.of} from ${range.least} to ${range.most}`;
  return {
    takes,
    default: byDefault,
    parse(text, fault) {
      const value = /^\d{1,6}$/.test(text) ? Number(text) : NaN;
      if (!(value >= range.least && value <= range.most)) throw refusal(fault, text, takes);
      return value;
    },
    print: String,
  };
}

/** The first is the default. */
export function choice<const T extends readonly [string, ...string[]]>(...names: T): FaultValue<T[number]> {
  const takes = names.length === 1 ? names[0] : `one of ${names.join(", ")}`;
  return {
    takes,
    default: names[0],
    parse(text, fault) {
      const chosen = names.find((each) => each === text);
      if (chosen === undefined) throw refusal(fault, text, takes);
      return chosen;
    },
    print: (value) => value,
  };
}
