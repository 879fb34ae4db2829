/** lab run, migrate, exercises: what can be done with a system once it is deployed. */
import { optionName } from "../../../proto/base/option-name.js";
import type { Exercise, ExerciseOption, ListExercisesResponse } from "../../../proto/gen/lab/v1/deployment.js";
import { type Context, show, withLab } from "../context.js";
import { parseExercise, parseSettings } from "../json-values.js";
import { concludeRun, followRun } from "../run/follow-run.js";
import { type Style, table } from "../terminal.js";
import { reportRun } from "./reports.js";

export interface ExerciseSettings {
  readonly set: readonly string[];
  /** Where to write the files of its reports; undefined: nowhere. */
  readonly reports?: string | undefined;
}

/** Runs an exercise to its end; then its reports. `words`: exercise and options as typed. Throws what concludeRun throws. */
export async function runExercise(
  context: Context,
  deployment: string,
  words: readonly string[],
  settings: ExerciseSettings,
): Promise<void> {
  const asked = { ...parseExercise(words), parameters: parseSettings(settings.set) };
  await withLab(context, async (lab) => {
    const run = await lab.deployments.startRun({ deployment, direction: "run", ...asked });
    const view = await followRun(context, lab, run);
    try {
      await reportRun(context, lab, run.id, settings.reports);
    } finally {
      // How the run ended is the last word, whatever becomes of its reports.
      concludeRun(context, view, run);
    }
  });
}

/** What can be done with a deployment, and what each exercise may be asked. */
export async function listExercises(context: Context, deployment: string): Promise<void> {
  const answer = await withLab(context, (lab) => lab.deployments.listExercises({ deployment }, { signal: context.signal }));
  show(context, answer, () => exerciseLines(answer, context.terminal.style));
}

function exerciseLines({ deployment, exercises }: ListExercisesResponse, style: Style): string[] {
  if (exercises.length === 0) return [`${deployment}: its recipe has no exercises`];
  return exercises.flatMap((each, index) => [
    ...(index === 0 ? [] : [""]),
    `${style.bold(`lab run ${deployment} ${each.name}`)}  ${each.summary}${index === 0 ? " (what runs when none is named)" : ""}`,
    ...optionLines(each),
  ]);
}

function optionLines({ options }: Exercise): string[] {
  return table(
    options.map((each) => [`  --${optionName(each.name)}`, each.type, [each.description, givenHow(each)].filter(Boolean).join("; ")]),
  );
}

function givenHow(option: ExerciseOption): string {
  if (option.required) return "must be given";
  if (option.default === "") return "";
  const value: unknown = JSON.parse(option.default);
  return `default ${typeof value === "string" ? value : option.default}`;
}
