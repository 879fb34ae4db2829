/** Part of recipe.ts: what a recipe may know while a run goes on. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** What earlier steps put out, by step id. */
export type Outputs = Readonly<Record<string, Readonly<Record<string, Json>>>>;

/** What is known when a step runs. */
export interface Known {
  readonly runId: string;
  /** Chosen per run, letters and digits: evidence that carries it can come from no earlier run. */
  readonly nonce: string;
  readonly outputs: Outputs;
  /** Whether the node's own agent was connected as the step began; journalled with "begin", so that a resumed step decides the same. */
  readonly agentConnected: boolean;
}

/** A number an earlier step must have put out. Throws when it has not: the plan's `needs` are wrong. */
export function numberFrom(outputs: Outputs, step: string, key: string): number {
  const value = outputs[step]?.[key];
  if (typeof value !== "number") throw new Error(`step ${step} has put out no number ${key}`);
  return value;
}

/** As numberFrom, for text. */
export function textFrom(outputs: Outputs, step: string, key: string): string {
  const value = outputs[step]?.[key];
  if (typeof value !== "string") throw new Error(`step ${step} has put out no text ${key}`);
  return value;
}
