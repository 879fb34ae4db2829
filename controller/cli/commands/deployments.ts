/** lab plan, deploy, undeploy, deployments, record, cancel: the main job. */
import { CancelledError, FailedError, InvalidArgumentError } from "../../../proto/base/errors.js";
import type { Connection } from "../connection.js";
import { type Context, show, withLab } from "../context.js";
import { citedLines, failureLines, planLines, recordLines } from "../run/run-lines.js";
import { provenLine } from "../run/run-screen.js";
import type { RunView } from "../run/run-view.js";
import { watchRun } from "../run/run-watch.js";
import { table } from "../terminal.js";
import { recordTime } from "../units.js";

export type Direction = "deploy" | "undeploy";

export async function printPlan(context: Context, deployment: string, direction: Direction, settings: readonly string[]): Promise<void> {
  const parameters = parseSettings(settings);
  const plan = await withLab(context, (lab) =>
    lab.deployments.getPlan({ deployment, direction, parameters, exercise: "", request: {} }, { signal: context.signal }),
  );
  show(context, plan, () => planLines(plan, context.terminal.style));
}

/** Runs a deployment to its end. Throws FailedError when it does not succeed, CancelledError after Ctrl-C. */
export async function runDeployment(
  context: Context,
  deployment: string,
  direction: Direction,
  settings: readonly string[],
): Promise<void> {
  const parameters = parseSettings(settings);
  await withLab(context, async (lab) => {
    const run = await lab.deployments.startRun({ deployment, direction, parameters, exercise: "", request: {} });
    if (!context.json) context.terminal.print(`${context.terminal.style.bold(deployment)} · ${direction} · run ${run.id}`);
    const view = await watchWithInterrupts(context, lab, run.id);
    report(context, view, direction, run.id);
  });
}

export async function watchExisting(context: Context, id: string): Promise<void> {
  await withLab(context, async (lab) => {
    const run = await lab.deployments.getRun({ id }, { signal: context.signal });
    const view = await watchRun(context, lab, run.id, context.signal);
    report(context, view, run.direction === "undeploy" ? "undeploy" : "deploy", run.id);
  });
}

/** First Ctrl-C asks the run to stop cleanly; the second leaves it going in the controller. */
async function watchWithInterrupts(context: Context, lab: Connection, id: string): Promise<RunView> {
  const leave = new AbortController();
  const onSecond = () => leave.abort(new CancelledError(`left; the run goes on in the controller: lab watch ${id}`));
  const onFirst = () => {
    context.terminal.note(`stopping run ${id} at the next safe point; Ctrl-C again leaves it going in the controller`);
    process.once("SIGINT", onSecond);
    lab.deployments.cancelRun({ id }).catch((error: unknown) => leave.abort(error));
  };
  if (context.signal.aborted) onFirst();
  else context.signal.addEventListener("abort", onFirst, { once: true });
  try {
    return await watchRun(context, lab, id, leave.signal);
  } catch (error) {
    throw leave.signal.aborted ? (leave.signal.reason as Error) : error;
  } finally {
    context.signal.removeEventListener("abort", onFirst);
    process.removeListener("SIGINT", onSecond);
  }
}

function report(context: Context, view: RunView, direction: Direction, id: string): void {
  const { terminal, json } = context;
  const say = (line: string) => {
    if (!json) terminal.print(line);
  };
  if (view.ended === "succeeded") {
    say(provenLine(view, direction, terminal.style));
    const shown = direction === "deploy" ? view.evidence.filter((each) => each.source?.$case === "console") : view.evidence;
    if (!json) for (const line of citedLines(shown.slice(-14), terminal.interactive ? terminal.columns : 200)) terminal.print(line);
    const name = view.plan?.deployment ?? "";
    say(
      `next: ${direction === "deploy" ? `lab tail ${name} -f    lab record ${id}    lab undeploy ${name}` : `lab nodes    lab record ${id}`}`,
    );
    return;
  }
  if (view.failure !== undefined && terminal.interactive && !json)
    for (const line of failureLines(view.failure, terminal.style)) terminal.print(line);
  if (view.ended === "cancelled") {
    throw new CancelledError(
      `run ${id} was cancelled; its nodes are free and stand as the last step left them: lab undeploy ${view.plan?.deployment ?? ""}`,
    );
  }
  throw new FailedError(
    `run ${id} ended ${view.ended}${view.failure === undefined ? "" : `: ${view.failure.node}: ${view.failure.summary}`}; all of it: lab record ${id}`,
  );
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
        lastRun === undefined ? "–" : `${lastRun.direction} ${lastRun.state} ${recordTime(Number(lastRun.startedMs))} (${lastRun.id})`,
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

/** "memmap=2G$4G" and "jobs=4" → values as JSON; text that is no JSON is taken as it is. */
export function parseSettings(settings: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    settings.map((setting) => {
      const [, name, value] = /^([A-Za-z_][\w-]*)=([^]*)$/.exec(setting) ?? [];
      if (name === undefined || value === undefined) throw new InvalidArgumentError(`--set ${setting}: write NAME=VALUE`);
      return [name, isJson(value) ? value : JSON.stringify(value)];
    }),
  );
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
