/** Reads an inventory file and reports all of its problems at once, each at its line and column. */
import { readFileSync } from "node:fs";
import { isCollection, isMap, isPair, isScalar, LineCounter, type Node, parseDocument, type Document, visit } from "yaml";
import { describeError, InvalidInventoryError, NotFoundError } from "../proto/base/errors.js";
import { crossCheck } from "./cross-check.js";
import type { Lab } from "./model.js";
import { normalize } from "./normalize.js";
import { formatProblems, type Problem } from "./problem.js";
import { type InventoryFile, inventorySchema } from "./schema.js";
import { checkShape, type ShapeProblem } from "./shape-problems.js";

/** The lab a file describes. Throws NotFoundError when there is no file, InvalidInventoryError with every problem in its message. */
export function loadLab(path: string): Lab {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new NotFoundError(`cannot read the inventory ${path}; name it with --inventory FILE or LAB_INVENTORY`, { cause });
  }
  const result = parseLab(text, path);
  if ("lab" in result) return result.lab;
  const count = result.problems.length;
  const told = `${formatProblems(path, result.problems)}\n${count} ${count === 1 ? "problem" : "problems"}; nothing was changed`;
  throw new InvalidInventoryError(told, { facts: { problems: count } });
}

/** As loadLab, from text. `path` is for messages only. */
export function parseLab(text: string, path: string): { lab: Lab } | { problems: readonly Problem[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, merge: true });
  const place = new Places(document, lines);
  if (document.errors.length > 0) {
    return { problems: document.errors.map((error) => ({ ...at(lines, error.pos[0]), path: "", message: firstLine(error.message) })) };
  }
  const problem = (each: { path: readonly PropertyKey[]; atKey?: boolean; message: string }): Problem => ({
    ...place.of(each.path, each.atKey ?? false),
    path: each.path.map(String).join("."),
    message: each.message,
  });
  const read = dataOf(document, lines);
  if ("problems" in read) return read;
  const shape = checkWhatHolds(read.data);
  const crossed = shape.value === undefined ? [] : crossCheck(shape.value, (to) => place.of(to, false).line);
  // A node whose own entry, or whose defaults, are broken would only echo that.
  const echo = (path: readonly PropertyKey[]) =>
    path[0] === "nodes" &&
    shape.problems.some(
      (each) => (each.path[0] === "nodes" && each.path[1] === path[1]) || (each.path[0] === "defaults" && each.path[1] === path[2]),
    );
  const problems = [...shape.problems, ...crossed.filter((each) => !echo(each.path))].map(problem);
  if (shape.value === undefined || problems.length > 0) return { problems };
  return { lab: normalize(shape.value, path, (name) => place.of(["deployments", name], true)) };
}

/** What a document says with its aliases followed: they can name nothing, themselves, or more than fits in memory. */
function dataOf(document: Document, lines: LineCounter): { data: unknown } | { problems: readonly Problem[] } {
  const problems: Problem[] = [];
  visit(document, {
    Alias(_, alias, ancestors) {
      const meant = alias.resolve(document);
      const place = { ...at(lines, rangeStart(alias) ?? 0), path: "" };
      if (meant === undefined)
        problems.push({ ...place, message: `*${alias.source} stands for nothing: there is no &${alias.source} before it` });
      else if (ancestors.some((each) => each === meant))
        problems.push({ ...place, message: `*${alias.source} stands for something it is a part of` });
    },
  });
  if (problems.length > 0) return { problems };
  try {
    return { data: document.toJS() as unknown };
  } catch (error) {
    return { problems: [{ line: 1, column: 1, path: "", message: `aliases or merge keys cannot be followed: ${describeError(error)}` }] };
  }
}

/** Every shape problem, and the file without what is wrong in it: the names in it can still be checked against each other. */
function checkWhatHolds(data: unknown): { problems: readonly ShapeProblem[]; value?: InventoryFile } {
  const first = checkShape(inventorySchema, data);
  if ("value" in first) return { problems: [], value: first.value };
  let found: readonly ShapeProblem[] = first.problems;
  const rest: unknown = JSON.parse(JSON.stringify(data ?? null));
  for (let round = 0; round < 10; round += 1) {
    for (const each of found) prune(rest, each);
    const again = checkShape(inventorySchema, rest);
    if ("value" in again) return { problems: first.problems, value: again.value };
    found = again.problems;
  }
  return { problems: first.problems };
}

/** Puts a misspelled key right; else takes out the value a problem is about, or what misses it. */
function prune(data: unknown, problem: ShapeProblem): void {
  const parents: unknown[] = [data];
  for (const step of problem.path.slice(0, -1))
    parents.push((parents[parents.length - 1] as Record<PropertyKey, unknown> | undefined)?.[step]);
  for (let depth = problem.path.length - 1; depth >= 0; depth -= 1) {
    const parent = parents[depth];
    const key = problem.path[depth];
    if (typeof parent !== "object" || parent === null || key === undefined || !(key in parent)) continue;
    const entries = parent as Record<PropertyKey, unknown>;
    if (problem.meant !== undefined && !(problem.meant in entries)) entries[problem.meant] = entries[key];
    delete entries[key];
    return;
  }
}

/** Finds where in the text a path of the data stands. */
class Places {
  readonly #document: Document;
  readonly #lines: LineCounter;

  constructor(document: Document, lines: LineCounter) {
    this.#document = document;
    this.#lines = lines;
  }

  /** Line and column of the value at a path (of its key when `atKey`), or of the nearest thing above it that exists. */
  of(path: readonly PropertyKey[], atKey: boolean): { line: number; column: number } {
    let node: unknown = this.#document.contents;
    let offset = rangeStart(node) ?? 0;
    for (const [index, step] of path.entries()) {
      const last = index === path.length - 1;
      if (isMap(node)) {
        const pair = node.items.find((each) => isScalar(each.key) && String(each.key.value) === String(step));
        if (pair === undefined) break;
        offset = (last && !atKey ? rangeStart(pair.value) : undefined) ?? rangeStart(pair.key) ?? offset;
        node = pair.value;
      } else if (isCollection(node) && typeof step === "number") {
        const item: unknown = node.items[step];
        offset = rangeStart(item) ?? offset;
        node = isPair(item) ? item.value : item;
      } else break;
    }
    return at(this.#lines, offset);
  }
}

function rangeStart(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}

function at(lines: LineCounter, offset: number): { line: number; column: number } {
  const position = lines.linePos(offset);
  return { line: Math.max(1, position.line), column: Math.max(1, position.col) };
}

function firstLine(text: string): string {
  return (text.split("\n")[0] ?? text).replace(/ at line \d+, column \d+:?$/, "");
}
