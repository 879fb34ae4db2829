/** What may be asked of an exercise, read off its schema for help and completion. Pure. */
import { z } from "zod";
import type { Exercise, Json } from "./recipe.js";

export interface ExerciseOption {
  /** Key of the request. */
  readonly name: string;
  readonly description: string;
  /** Undefined: it has none. */
  readonly default: Json | undefined;
  /** In words, or the texts it may be: "arm|x86". */
  readonly type: string;
  readonly required: boolean;
}

interface Described {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: Json;
  readonly anyOf?: readonly Described[];
  readonly description?: string;
  readonly default?: Json;
}

const typeNames: Readonly<Record<string, string>> = {
  string: "text",
  integer: "whole number",
  number: "number",
  boolean: "true or false",
  array: "list",
  object: "mapping",
};

/** In the order of the schema. */
export function exerciseOptions(exercise: Pick<Exercise, "parameters">): ExerciseOption[] {
  const schema = z.toJSONSchema(exercise.parameters, { io: "input", unrepresentable: "any" });
  const required = schema.required ?? [];
  return Object.entries((schema.properties ?? {}) as Record<string, Described>).map(([name, described]) => ({
    name,
    description: described.description ?? "",
    default: described.default,
    type: typeName(described),
    required: required.includes(name),
  }));
}

function typeName(described: Described): string {
  if (described.anyOf !== undefined) return [...new Set(described.anyOf.map(typeName))].join("|");
  if (described.enum !== undefined) return described.enum.map(String).join("|");
  if (described.const !== undefined) return typeof described.const === "string" ? described.const : JSON.stringify(described.const);
  return typeNames[described.type ?? ""] ?? "value";
}
