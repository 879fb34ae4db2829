/** A run from its start to its last word: what is shown on the way, what Ctrl-C does, what stands below when it has ended. */
import { CancelledError, FailedError } from "../../../proto/base/errors.js";
import type { Run } from "../../../proto/gen/lab/v1/deployment.js";
import type { Connection } from "../connection.js";
import type { Context } from "../context.js";
import { citedLines, failureLines, runName } from "./run-lines.js";
import { provenLine } from "./run-screen.js";
import type { RunView } from "./run-view.js";
import { watchRun } from "./run-watch.js";

/** Watches a run that was just started. The first Ctrl-C asks it to stop cleanly; the second leaves it going in the controller. */
export async function followRun(context: Context, lab: Connection, run: Run): Promise<RunView> {
  const { terminal } = context;
  if (!context.json) terminal.print(`${terminal.style.bold(run.deployment)} · ${runName(run)} · run ${run.id}`);
  const leave = new AbortController();
  const onSecond = () => leave.abort(new CancelledError(`left; the run goes on in the controller: lab watch ${run.id}`));
  const onFirst = () => {
    terminal.note(`stopping run ${run.id} at the next safe point; Ctrl-C again leaves it going in the controller`);
    process.once("SIGINT", onSecond);
    lab.deployments.cancelRun({ id: run.id }).catch((error: unknown) => leave.abort(error));
  };
  if (context.signal.aborted) onFirst();
  else context.signal.addEventListener("abort", onFirst, { once: true });
  try {
    return await watchRun(context, lab, run.id, leave.signal);
  } catch (error) {
    throw leave.signal.aborted ? (leave.signal.reason as Error) : error;
  } finally {
    context.signal.removeEventListener("abort", onFirst);
    process.removeListener("SIGINT", onSecond);
  }
}

/** The last word on a run. Throws FailedError when it has not succeeded, CancelledError when it was cancelled. */
export function concludeRun(context: Context, view: RunView, { id, deployment, direction }: Run): void {
  const { terminal, json } = context;
  if (view.ended === "succeeded") {
    if (json) return;
    terminal.print(provenLine(view, direction, terminal.style));
    const onConsoles = direction === "deploy" ? view.evidence.filter((each) => each.source?.$case === "console") : [];
    const shown = onConsoles.length > 0 ? onConsoles : view.evidence;
    for (const line of citedLines(shown.slice(-14), terminal.interactive ? terminal.columns : 200)) terminal.print(line);
    terminal.print(`next: ${nextCommands(id, deployment, direction, onConsoles.length > 0).join("    ")}`);
    return;
  }
  if (view.failure !== undefined && terminal.interactive && !json)
    for (const line of failureLines(view.failure, terminal.style)) terminal.print(line);
  if (view.ended === "cancelled") {
    throw new CancelledError(
      `run ${id} was cancelled; its nodes are free and stand as the last step left them: lab undeploy ${deployment}`,
    );
  }
  throw new FailedError(
    `run ${id} ended ${view.ended}${view.failure === undefined ? "" : `: ${view.failure.node}: ${view.failure.summary}`}; all of it: lab record ${id}`,
  );
}

function nextCommands(id: string, deployment: string, direction: string, hasConsoles: boolean): string[] {
  if (direction === "undeploy") return ["lab nodes", `lab record ${id}`];
  const use = hasConsoles ? `lab tail ${deployment} -f` : `lab exercises ${deployment}`;
  const look = direction === "run" ? `lab report ${id} --to .` : use;
  return [look, `lab record ${id}`, `lab undeploy ${deployment}`];
}
