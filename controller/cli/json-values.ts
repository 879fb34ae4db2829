/** NAME=VALUE and --name VALUE → values as JSON; text that is no JSON is taken as it is. Pure. */
import { InvalidArgumentError } from "../../proto/base/errors.js";
import { optionKey } from "../../proto/base/option-name.js";

/** "memmap=2G$4G" and "jobs=4", as --set takes them. */
export function parseSettings(settings: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    settings.map((setting) => {
      const [, name, value] = /^([A-Za-z_][\w-]*)=([^]*)$/.exec(setting) ?? [];
      if (name === undefined || value === undefined) throw new InvalidArgumentError(`--set ${setting}: write NAME=VALUE`);
      return [name, asJson(value)];
    }),
  );
}

export interface AskedExercise {
  /** "" when none is named. */
  readonly exercise: string;
  /** By the option's key, values as JSON. */
  readonly request: Readonly<Record<string, string>>;
}

/**
 * "migrate --to arm --check-every=10s --loud": options are the exercise's own, so only the controller knows which there are and which
 * take a value. A word behind an option is its value unless it is an option too; an option without value is true.
 */
export function parseExercise(words: readonly string[]): AskedExercise {
  const isNamed = words[0] !== undefined && !words[0].startsWith("-");
  const request: Record<string, string> = {};
  const problems: string[] = [];
  for (let index = isNamed ? 1 : 0; index < words.length; index += 1) {
    const word = words[index] ?? "";
    const [, name, attached] = /^--([A-Za-z][\w-]*)(?:=([^]*))?$/.exec(word) ?? [];
    if (name === undefined) {
      problems.push(`${word}: is neither an option nor the value of one; write --NAME VALUE`);
      continue;
    }
    const next = words[index + 1];
    const takesNext = attached === undefined && next !== undefined && !next.startsWith("--");
    if (takesNext) index += 1;
    const key = optionKey(name);
    if (Object.hasOwn(request, key)) problems.push(`--${name}: is given twice; write a list as JSON: --${name} '["a","b"]'`);
    request[key] = asJson(attached ?? (takesNext ? next : "true"));
  }
  if (problems.length > 0) throw new InvalidArgumentError(problems.join("\n"));
  return { exercise: isNamed ? (words[0] ?? "") : "", request };
}

function asJson(text: string): string {
  try {
    JSON.parse(text);
    return text;
  } catch {
    return JSON.stringify(text);
  }
}
