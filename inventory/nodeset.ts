/**
 * Nodesets as ClusterShell writes them: "p[0-3],@memory,!p2". `,` unites, `!` takes away, `&` keeps what both have, left to right;
 * `@tag` stands for all nodes with that tag, `@all` for all, `*` in a name for any characters. Brackets hold ranges: "[1-3,7]",
 * "[001-010]" (padded), "[0-8/2]" (every second), also several: "r[1-2]n[1-4]".
 */
import { InvalidArgumentError } from "../proto/base/errors.js";

export type Operation = "unite" | "subtract" | "intersect";

export interface Term {
  readonly operation: Operation;
  /** A tag (without @), or a name with its brackets still folded. */
  readonly kind: "tag" | "name";
  readonly text: string;
}

/** More names than any lab has: a slip of the keyboard, not a nodeset. */
const maxNames = 100_000;
const maxBrackets = 8;

/** Enough to name every node of a large lab one by one. */
const maxLength = 100_000;

/** The terms of a nodeset in order. Throws InvalidArgumentError that shows where it stops making sense. */
export function parseNodeset(text: string): Term[] {
  if (text.length > maxLength) throw new InvalidArgumentError(`the nodeset has ${text.length} characters, more than ${maxLength}`);
  const terms: Term[] = [];
  let operation: Operation = "unite";
  let start = 0;
  let depth = 0;
  const finish = (end: number) => {
    const word = text.slice(start, end).trim();
    if (word !== "") {
      const tag = word.startsWith("@");
      if (tag && word.length === 1) throw malformed(text, end, "@ needs a tag after it");
      terms.push({ operation, kind: tag ? "tag" : "name", text: tag ? word.slice(1) : word });
      operation = "unite";
    }
    start = end + 1;
  };
  for (let index = 0; index < text.length; index += 1) {
    const char = text[index];
    if (char === "[") depth += 1;
    else if (char === "]") depth -= 1;
    if (depth < 0 || depth > 1) throw malformed(text, index, depth < 0 ? "] without [" : "[ inside [");
    if (depth > 0) continue;
    if (char === "," || char === "!" || char === "&") {
      finish(index);
      if (char === "!") operation = "subtract";
      if (char === "&") operation = "intersect";
    }
  }
  if (depth > 0) throw malformed(text, text.length, "[ without ]");
  finish(text.length);
  if (terms.length === 0) throw new InvalidArgumentError("the nodeset is empty; name nodes (p0), ranges (p[0-3]) or tags (@memory)");
  return terms;
}

/** All names a folded name stands for: "p[0-2]" → p0 p1 p2. */
export function expandName(folded: string): string[] {
  if (folded.split("[").length > maxBrackets + 1)
    throw new InvalidArgumentError(`"${folded.slice(0, 60)}…" has more than ${maxBrackets} brackets`);
  const open = folded.indexOf("[");
  if (open < 0) return [folded];
  const close = folded.indexOf("]", open);
  if (close < 0) throw new InvalidArgumentError(`"${folded}": [ without ]`);
  const head = folded.slice(0, open);
  const tails = expandName(folded.slice(close + 1));
  const names: string[] = [];
  for (const number of expandRanges(folded, folded.slice(open + 1, close))) {
    for (const tail of tails) names.push(head + number + tail);
    if (names.length > maxNames) throw tooMany(folded);
  }
  return names;
}

function expandRanges(folded: string, text: string): string[] {
  const numbers: string[] = [];
  for (const part of text.split(",")) {
    const range = /^\s*(\d{1,9})(?:-(\d{1,9})(?:\/(\d{1,9}))?)?\s*$/.exec(part);
    if (range === null)
      throw new InvalidArgumentError(`"${folded}": "${part}" is not a number of at most nine digits or a range like 0-3 or 0-8/2`);
    const [, first = "", last = first, step = "1"] = range;
    if (Number(last) < Number(first)) throw new InvalidArgumentError(`"${folded}": the range ${part} runs backwards`);
    if (Number(step) === 0) throw new InvalidArgumentError(`"${folded}": the step of ${part} is 0`);
    if (numbers.length + (Number(last) - Number(first)) / Number(step) > maxNames) throw tooMany(folded);
    const width = first.startsWith("0") ? first.length : 1;
    for (let number = Number(first); number <= Number(last); number += Number(step)) numbers.push(String(number).padStart(width, "0"));
  }
  return numbers;
}

function tooMany(folded: string): InvalidArgumentError {
  const shown = folded.length <= 60 ? folded : `${folded.slice(0, 60)}…`;
  return new InvalidArgumentError(`"${shown}" stands for more than ${maxNames} names`);
}

/** Names as a person writes them: p0 p1 p2 m0 → "p[0-2],m0". Order of first appearance; what does not fold stays as it is. */
export function foldNames(names: readonly string[]): string {
  const groups = new Map<string, { stem: string; tail: string; numbers: string[] }>();
  for (const name of new Set(names)) {
    const parts = /^(.*?)(\d+)(\D*)$/.exec(name);
    const [, stem = name, number = "", tail = ""] = parts ?? [];
    const padding = number.startsWith("0") && number.length > 1 ? String(number.length) : "";
    const key = number === "" ? name : `${stem}[${padding}]${tail}`;
    const group = groups.get(key) ?? { stem, tail, numbers: [] };
    if (number !== "") group.numbers.push(number);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ stem, tail, numbers }) => stem + foldNumbers(numbers) + tail).join(",");
}

function foldNumbers(numbers: readonly string[]): string {
  if (numbers.length <= 1) return numbers[0] ?? "";
  const sorted = [...numbers].sort((a, b) => Number(a) - Number(b));
  const runs: [string, string][] = [];
  for (const number of sorted) {
    const run = runs[runs.length - 1];
    if (run !== undefined && Number(number) === Number(run[1]) + 1) run[1] = number;
    else runs.push([number, number]);
  }
  return `[${runs.map(([first, last]) => (first === last ? first : `${first}-${last}`)).join(",")}]`;
}

function malformed(text: string, at: number, why: string): InvalidArgumentError {
  return new InvalidArgumentError(`nodeset "${text}", character ${at + 1}: ${why}; an example: p[0-3],@memory,!p2`);
}
