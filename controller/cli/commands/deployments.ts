/** lab plan, deploy, undeploy, deployments, record, cancel: the main job. */
import { InvalidArgumentError } from "../../../proto/base/errors.js";
import { type Context, show, withLab } from "../context.js";
import { parseExercise, parseSettings } from "../json-values.js";
import { concludeRun, followRun } from "../run/follow-run.js";
import { planLines, recordLines, runName } from "../run/run-lines.js";
import { watchRun } from "../run/run-watch.js";
import { table } from "../terminal.js";
import { recordTime } from "../units.js";

export interface PlanOptions {
  readonly undeploy: boolean;
  /** The plan of an exercise: the one named, or the recipe's first. */
  readonly run?: string | true | undefined;
  readonly set: readonly string[];
}

/** `words`: what is asked of an exercise, as typed. */
export async function printPlan(context: Context, deployment: string, words: readonly string[], options: PlanOptions): Promise<void> {
  const { undeploy, run, set } = options;
  if (run === undefined && words[0] !== undefined)
    throw new InvalidArgumentError(`lab plan: ${words[0]} is no option of a plan; options of an exercise go with --run`);
  const { exercise, request } = parseExercise(typeof run === "string" ? [run, ...words] : words);
  const direction = run !== undefined ? "run" : undeploy ? "undeploy" : "deploy";
  const asked = { deployment, direction, parameters: parseSettings(set), exercise, request };
  const plan = await withLab(context, (lab) => lab.deployments.getPlan(asked, { signal: context.signal }));
  show(context, plan, () => planLines(plan, context.terminal.style));
}

/** Runs a deployment to its end. Throws FailedError when it does not succeed, CancelledError after Ctrl-C. */
export async function runDeployment(
  context: Context,
  deployment: string,
  direction: "deploy" | "undeploy",
  settings: readonly string[],
): Promise<void> {
  const parameters = parseSettings(settings);
  await withLab(context, async (lab) => {
    const run = await lab.deployments.startRun({ deployment, direction, parameters, exercise: "", request: {} });
    concludeRun(context, await followRun(context, lab, run), run);
  });
}

export async function watchExisting(context: Context, id: string): Promise<void> {
  await withLab(context, async (lab) => {
    const run = await lab.deployments.getRun({ id }, { signal: context.signal });
    concludeRun(context, await watchRun(context, lab, run.id, context.signal), run);
  });
}

export async function listDeployments(context: Context): Promise<void> {
  const { deployments } = await withLab(context, (lab) => lab.deployments.listDeployments({}, { signal: context.signal }));
  show(context, deployments, () =>
    table([
      ["DEPLOYMENT", "RECIPE", "ROLES", "LAST RUN"],
      ...deployments.map(({ name, recipe, roles, lastRun }) => [
        name,
        recipe,
        roles.map((each) => `${each.role}: ${each.nodes.join(" ")}`).join(", "),
        lastRun === undefined ? "–" : `${runName(lastRun)} ${lastRun.state} ${recordTime(Number(lastRun.startedMs))} (${lastRun.id})`,
      ]),
    ]),
  );
}

export async function printRecord(context: Context, id: string): Promise<void> {
  const run = await withLab(context, (lab) => lab.deployments.getRun({ id }, { signal: context.signal }));
  show(context, run, () => recordLines(run, context.terminal.style, context.terminal.interactive ? context.terminal.columns : 1000));
}

export async function cancelRun(context: Context, id: string): Promise<void> {
  const run = await withLab(context, (lab) => lab.deployments.cancelRun({ id }, { signal: context.signal }));
  show(context, run, () => [`run ${run.id} is ${run.state}`]);
}
