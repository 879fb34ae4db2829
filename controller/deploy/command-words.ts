/** What a person types behind `lab` to ask for a plan. Pure. */
import { optionName } from "../../proto/base/option-name.js";
import type { PlanView } from "./entries.js";
import type { Json } from "./recipe.js";

/** "deploy toy-1", "run toy-1 migrate --to arm": fit for a shell. */
export function commandWords(
  plan: Pick<PlanView, "deployment" | "direction" | "exercise">,
  request: Readonly<Record<string, Json>> = {},
): string {
  const options = Object.entries(request).map(([key, value]) => optionWords(optionName(key), value));
  return [plan.direction, plan.deployment, ...(plan.exercise === undefined ? [] : [plan.exercise]), ...options].join(" ");
}

function optionWords(name: string, value: Json): string {
  if (value === true) return `--${name}`;
  const text = typeof value === "string" && !isJson(value) ? value : JSON.stringify(value);
  return `--${name}${text.startsWith("-") ? "=" : " "}${quoted(text)}`;
}

function quoted(text: string): string {
  return /^[\w.,:/@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Read back, it would not be text any more. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
