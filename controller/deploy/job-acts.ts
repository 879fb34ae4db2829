/** Acts on jobs that outlive their step: started under a key, so that there is one, and signalled under a key, so that it is sent once. */
import { withDeadline } from "../../proto/base/abort.js";
import { NotFoundError } from "../../proto/base/errors.js";
import { actKey, jobId } from "./act-key.js";
import type { Act, Json } from "./recipe.js";
import { RunAbandonedError } from "./run-journal.js";
import type { StepContext } from "./step-context.js";
import { StepFailedError } from "./step-failure.js";

type Start = Extract<Act, { kind: "start" }>;
type Signal = Extract<Act, { kind: "signal" }>;

/** What a started job gets to end by itself, unless the act says otherwise. */
export const endGraceMs = 10_000;
const endDeadlineMs = 25_000;

/** Starts the job, or finds it. Throws StepFailedError when it cannot be started; a run that is told to stop meanwhile leaves none behind. */
export async function startJob(act: Start, n: number, context: StepContext, signal: AbortSignal): Promise<Json> {
  const { node, journal, step } = context;
  const { argv, cwd = "", env = {}, timeoutMs } = act;
  const start = async (part: string) => {
    const id = jobId(journal.state.id, step.id, part);
    try {
      return { id, job: await node.jobs.start({ jobId: id, argv, cwd, env, timeoutMs }, { fence: context.fence(), signal }) };
    } catch (error) {
      // Nobody knows of the job before it is journalled: whoever rescues the node could not end it.
      if (signal.aborted && !(context.signal.reason instanceof RunAbandonedError)) await endQuietly(id, context);
      throw error;
    }
  };
  const first = await start(String(n));
  // An agent that dies with a job in hand leaves one that will never begin: the next agent vouches for that, so nothing is done twice.
  const { id, job } = first.job.state === "not-started" ? await start(`${n}-again`) : first;
  if (job.state === "not-started") {
    throw new StepFailedError({ summary: `"${argv.join(" ")}" could not be started`, blame: "lab", cause: job.reason ?? "" });
  }
  return { job: id, pid: job.pid, startedMs: job.startedMs };
}

/** Best effort: why the run stops matters more than this. */
async function endQuietly(id: string, { node, fence, clock }: StepContext): Promise<void> {
  const wait = { subject: node.name, awaited: `the end of job ${id}`, deadlineMs: endDeadlineMs };
  const end = (signal: AbortSignal) => node.jobs.end(id, { fence: fence(), graceMs: endGraceMs, signal });
  await withDeadline(clock, wait, end).catch(() => undefined);
}

/** Throws StepFailedError when the node knows no such job. */
export async function signalJob(act: Signal, n: number, context: StepContext, signal: AbortSignal): Promise<void> {
  const { node, journal, step } = context;
  try {
    await node.jobs.signal(act.job, act.signal, { fence: context.fence(), key: actKey(journal.state.id, step.id, n), signal });
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    throw new StepFailedError({
      summary: `${node.name} knows no job ${act.job} to send ${act.signal} to`,
      blame: "system",
      cause: error.message,
    });
  }
}
