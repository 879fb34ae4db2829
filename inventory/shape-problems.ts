/** Turns what the schema found into sentences: unknown keys get the nearest known one, unions speak of the branch that was meant. */
import { z } from "zod";
import { nearest } from "./nearest.js";

export interface ShapeProblem {
  readonly path: readonly PropertyKey[];
  /** The problem is the key itself (unknown, badly named), not its value. */
  readonly atKey: boolean;
  readonly message: string;
  /** For an unknown key: the known one it looks like. */
  readonly meant?: string;
}

/** All shape problems of `data`, or the parsed value. */
export function checkShape<T>(schema: z.ZodType<T>, data: unknown): { value: T } | { problems: ShapeProblem[] } {
  const result = schema.safeParse(data, { reportInput: true });
  if (result.success) return { value: result.data };
  const problems = result.error.issues.flatMap((issue) => sentences(schema, issue, []));
  return { problems: problems.filter((each) => !isMisspelled(each, problems)) };
}

/** A key reported missing whose misspelling is reported too is one problem, not two. */
function isMisspelled(missing: ShapeProblem, problems: readonly ShapeProblem[]): boolean {
  if (!missing.message.startsWith("is missing")) return false;
  const same = (each: ShapeProblem) => [...each.path.slice(0, -1), each.meant].join("\0") === missing.path.join("\0");
  return problems.some((each) => each.meant !== undefined && same(each));
}

function sentences(schema: z.ZodType, issue: z.core.$ZodIssue, base: readonly PropertyKey[]): ShapeProblem[] {
  const path = [...base, ...issue.path];
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey([...path, key], key, keysAt(schema, path)));
    case "invalid_key":
      return [{ path, atKey: true, message: issue.issues[0]?.message ?? issue.message }];
    case "invalid_union": {
      // The schema's own word for the whole union comes first; else the branch for what was written there: a mapping, a list…
      if (issue.message !== "Invalid input") return [{ path, atKey: false, message: issue.message }];
      const meant =
        issue.errors.find((branch) => branch.every((each) => each.code !== "invalid_type" || each.path.length > 0)) ?? issue.errors[0];
      return (meant ?? []).flatMap((each) => sentences(schema, each, path));
    }
    case "invalid_type":
      if (issue.input === undefined) return [{ path, atKey: false, message: `is missing (${kindName(issue.expected)})` }];
      return [{ path, atKey: false, message: `needs ${kindName(issue.expected)}, not ${describeValue(issue.input)}` }];
    case "invalid_value":
      return [
        {
          path,
          atKey: false,
          message: `needs one of ${issue.values.map(String).join(", ")}, not ${describeValue(issue.input)}${suggest(issue)}`,
        },
      ];
    case "too_small":
      return [{ path, atKey: false, message: `needs at least ${String(issue.minimum)}${issue.origin === "array" ? " entries" : ""}` }];
    case "too_big":
      return [{ path, atKey: false, message: issue.message.startsWith("Too") ? `needs at most ${String(issue.maximum)}` : issue.message }];
    default:
      return [{ path, atKey: false, message: issue.message }];
  }
}

function suggest(issue: z.core.$ZodIssueInvalidValue): string {
  const near = typeof issue.input === "string" ? nearest(issue.input, issue.values.map(String)) : undefined;
  return near === undefined ? "" : `; did you mean "${near}"?`;
}

function unknownKey(path: readonly PropertyKey[], key: string, known: readonly string[]): ShapeProblem {
  const meant = nearest(key, known);
  if (meant !== undefined) return { path, atKey: true, message: `unknown key; did you mean "${meant}"?`, meant };
  return { path, atKey: true, message: known.length === 0 ? "unknown key" : `unknown key; known here: ${known.join(", ")}` };
}

/** The keys a schema knows at a path of the data. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  let candidates: z.ZodType[] = [schema];
  for (const step of path) {
    candidates = candidates.flatMap((each) => {
      const inner = unwrap(each);
      return inner.flatMap((type): z.ZodType[] => {
        if (type instanceof z.ZodObject) return step in type.shape ? [type.shape[step as string] as z.ZodType] : [];
        if (type instanceof z.ZodRecord) return [type.valueType as z.ZodType];
        if (type instanceof z.ZodArray) return [type.element as z.ZodType];
        return [];
      });
    });
  }
  return candidates.flatMap(unwrap).flatMap((type) => (type instanceof z.ZodObject ? Object.keys(type.shape) : []));
}

function unwrap(type: z.ZodType): z.ZodType[] {
  if (type instanceof z.ZodOptional || type instanceof z.ZodDefault) return unwrap(type.unwrap() as z.ZodType);
  if (type instanceof z.ZodUnion) return type.options.flatMap((option) => unwrap(option as z.ZodType));
  return [type];
}

function kindName(expected: string): string {
  const names: Record<string, string> = {
    object: "a mapping",
    record: "a mapping",
    array: "a list",
    string: "text",
    number: "a number",
    int: "a whole number",
    boolean: "true or false",
  };
  return names[expected] ?? expected;
}

function describeValue(value: unknown): string {
  if (value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  return typeof value === "string" ? `"${value}"` : JSON.stringify(value);
}
