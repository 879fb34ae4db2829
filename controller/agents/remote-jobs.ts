/** Jobs on a node that outlive who started them, over as many connections as it takes. */
import { sleep } from "../../proto/base/clock.js";
import { DeadlineError, NotFoundError, UnreachableError } from "../../proto/base/errors.js";
import type { Job, JobReading as JobReadingMessage } from "../../proto/gen/lab/v1/command.js";
import type { JobReading, NodeHandle } from "../ports.js";
import type { AgentConnection } from "./agent-connection.js";
import { type JobContext, jobState, patienceMs, retryMs, startRequest } from "./job-run.js";

const pollMs = 100;
/** For a node under load to start a process. */
const startDeadlineMs = 20_000;
const endMarginMs = 15_000;

type Commands = AgentConnection["command"];
interface Waiting {
  readonly signal?: AbortSignal | undefined;
}

export function remoteJobs(context: JobContext): NodeHandle["jobs"] {
  const { node } = context;
  const read = (jobId: string, { signal }: Waiting = {}) =>
    overBreaks(context, signal, async (commands) => reading(await commands.readJob({ node, jobId, tailBytes: 0 }, { signal })));
  return {
    async start(request, { fence, signal }) {
      const message = startRequest(node, request, fence);
      await overBreaks(context, signal, (commands) => commands.startJob(message, { signal }));
      await hasProcess(context, request.jobId, signal);
      return read(request.jobId, { signal });
    },
    read: (jobId, options) => unlessUnknown(read(jobId, options), undefined),
    async signal(jobId, name, { fence, key, signal }) {
      const request = { node, jobId, signal: name, key, fence };
      return (await overBreaks(context, signal, (commands) => commands.signalJob(request, { signal }))).sent;
    },
    end(jobId, { graceMs, signal }) {
      // 0 on the wire is the agent's default.
      const request = { node, jobId, graceMs: Math.max(1, graceMs) };
      const options = { signal, deadlineMs: graceMs + endMarginMs };
      const ended = overBreaks(context, signal, async (commands) => Boolean(await commands.cancelJob(request, options)));
      return unlessUnknown(ended, false);
    },
  };
}

/** Calls the agent again when the connection broke under the call: whatever is called here may be done twice. */
async function overBreaks<T>(
  { clock, reach }: JobContext,
  signal: AbortSignal | undefined,
  call: (commands: Commands) => Promise<T>,
): Promise<T> {
  const patientUntilMs = clock.monotonicMs() + patienceMs;
  for (;;) {
    const { command } = await reach(signal);
    try {
      return await call(command);
    } catch (error) {
      if (!(error instanceof UnreachableError) || clock.monotonicMs() > patientUntilMs) throw error;
    }
    await sleep(clock, retryMs, { signal });
  }
}

/** Resolves when the job's process exists, or existed. */
async function hasProcess(context: JobContext, jobId: string, signal: AbortSignal | undefined): Promise<void> {
  const { node, clock } = context;
  const began = clock.monotonicMs();
  for (;;) {
    const job = await overBreaks(context, signal, (commands) => commands.getJob({ node, jobId }, { signal }));
    if (job.pid !== 0 || job.state !== "running") return;
    const waitedMs = clock.monotonicMs() - began;
    if (waitedMs > startDeadlineMs) {
      const awaited = `the process of job ${jobId}`;
      throw new DeadlineError({ subject: `node ${node}`, awaited, waitedMs, lastSeen: "accepted, no process yet" });
    }
    await sleep(clock, pollMs, { signal });
  }
}

async function unlessUnknown<T, U>(work: Promise<T>, unknown: U): Promise<T | U> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof NotFoundError) return unknown;
    throw error;
  }
}

function reading({ job, stdout, stderr }: JobReadingMessage): JobReading {
  const output = { stdout: stdout.toString("utf8"), stderr: stderr.toString("utf8") };
  return { ...jobFacts(job), ...output };
}

function jobFacts(job: Job | undefined): Omit<JobReading, "stdout" | "stderr"> {
  if (job === undefined) throw new NotFoundError("the agent told of no job");
  const state = jobState(job);
  return {
    state,
    exitCode: state === "exited" ? job.exitCode : undefined,
    signal: job.signal === "" ? undefined : job.signal,
    reason: job.reason === "" ? undefined : job.reason,
    startedMs: Number(job.startedMs),
    endedMs: state === "running" ? undefined : Number(job.endedMs),
    pid: job.pid,
  };
}
