/** A command on a node from start to end, over as many connections as it takes. */
import type { Clock } from "../../proto/base/clock.js";
import { sleep } from "../../proto/base/clock.js";
import { CancelledError, InternalError, NotFoundError, UnreachableError } from "../../proto/base/errors.js";
import type { Job } from "../../proto/gen/lab/v1/command.js";
import type { CommandRequest, CommandResult, Fence } from "../ports.js";
import type { AgentConnection } from "./agent-connection.js";
import { OutputTail } from "./output-tail.js";

/** After a broken connection; the agent is then waited for anyway. */
export const retryMs = 250;
/** For broken connections in a row, while the agent itself is there: it may reach the node over a connection of its own. */
export const patienceMs = 60_000;
const cancelGraceMs = 5_000;
const cancelDeadlineMs = 20_000;

export interface JobContext {
  readonly node: string;
  readonly clock: Clock;
  readonly reach: (signal: AbortSignal | undefined) => Promise<AgentConnection>;
}

export interface RunOptions {
  readonly fence: Fence;
  readonly onLine?: (line: string, stream: "stdout" | "stderr") => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Starts the job, or finds it by its id, and follows it to its end; a broken connection is taken up again where the output stopped.
 * When the signal aborts, cancels the job and throws the signal's reason. Throws UnreachableError when the agent, or the node behind
 * it, stays away.
 */
export async function runJob(context: JobContext, request: CommandRequest, options: RunOptions): Promise<CommandResult> {
  const { signal, onLine } = options;
  const output = {
    stdout: new OutputTail(onLine && ((line) => onLine(line, "stdout"))),
    stderr: new OutputTail(onLine && ((line) => onLine(line, "stderr"))),
  };
  let started = false;
  let awaySinceMs: number | undefined;
  for (;;) {
    const { command } = await reachForJob(context, request, started, options);
    try {
      if (!started) await command.startJob(startRequest(context.node, request, options.fence), { signal });
      // To follow a quiet job tells nothing about the way there; an answer does.
      else if (awaySinceMs !== undefined) await command.getJob({ node: context.node, jobId: request.jobId }, { signal });
      started = true;
      awaySinceMs = undefined;
      return result(await followJob(command, context.node, request.jobId, output, signal), output);
    } catch (error) {
      if (signal?.aborted) {
        await cancelJob(context, request.jobId);
        throw CancelledError.from(signal);
      }
      // The agent knew the job and does not any more: its disk or its machine was replaced under it.
      if (started && error instanceof NotFoundError) return lost("the agent no longer knows the job", output);
      if (!(error instanceof UnreachableError)) throw error;
      const nowMs = context.clock.monotonicMs();
      awaySinceMs ??= nowMs;
      if (nowMs - awaySinceMs > patienceMs) throw started ? lostOnTheWay(context, request, error) : error;
    }
    await sleep(context.clock, retryMs, { signal });
  }
}

type Output = Readonly<Record<"stdout" | "stderr", OutputTail>>;

async function reachForJob(
  context: JobContext,
  request: CommandRequest,
  started: boolean,
  { signal }: RunOptions,
): Promise<AgentConnection> {
  try {
    return await context.reach(signal);
  } catch (error) {
    throw started && error instanceof UnreachableError ? lostOnTheWay(context, request, error) : error;
  }
}

function lostOnTheWay({ node }: JobContext, { argv, jobId }: CommandRequest, cause: UnreachableError): UnreachableError {
  const what = `node ${node}: lost while "${argv[0] ?? ""}" (job ${jobId}) ran there`;
  return new UnreachableError(`${what}: ${cause.message}`, { cause, facts: { node, job: jobId } });
}

async function followJob(
  command: AgentConnection["command"],
  node: string,
  jobId: string,
  output: Output,
  signal: AbortSignal | undefined,
): Promise<Job> {
  const from = { node, jobId, stdoutOffset: output.stdout.offset, stderrOffset: output.stderr.offset };
  for await (const { event } of command.followJob(from, { signal })) {
    if (event?.$case === "ended") return event.value;
    if (event !== undefined) output[event.$case].append(event.value.data);
  }
  throw new InternalError(`node ${node}: job ${jobId}: the agent ended the stream without the job's end`);
}

/** Best effort: whoever aborted does not wait for an agent that is away, and the agent's own time-out ends the job then. */
async function cancelJob(context: JobContext, jobId: string): Promise<void> {
  try {
    const { command } = await context.reach(undefined);
    await command.cancelJob({ node: context.node, jobId, graceMs: cancelGraceMs }, { deadlineMs: cancelDeadlineMs });
  } catch {
    // The reason of the abort matters more to the caller than this.
  }
}

export function startRequest(node: string, request: CommandRequest, fence: Fence) {
  return {
    node,
    jobId: request.jobId,
    argv: [...request.argv],
    cwd: request.cwd,
    env: { ...request.env },
    stdin: Buffer.from(request.stdin ?? []),
    timeoutMs: request.timeoutMs,
    fence,
  };
}

function result(job: Job, output: Output): CommandResult {
  const state = jobState(job);
  if (state === "running") throw new InternalError(`job ${job.jobId}: ended in state "${state}"`);
  return {
    state,
    exitCode: state === "exited" ? job.exitCode : undefined,
    signal: job.signal === "" ? undefined : job.signal,
    reason: job.reason === "" ? undefined : job.reason,
    startedMs: Number(job.startedMs),
    endedMs: Number(job.endedMs),
    ...texts(output),
  };
}

function lost(reason: string, output: Output): CommandResult {
  return { state: "lost", exitCode: undefined, signal: undefined, reason, startedMs: 0, endedMs: 0, ...texts(output) };
}

function texts(output: Output): { stdout: string; stderr: string } {
  output.stdout.finish();
  output.stderr.finish();
  return { stdout: output.stdout.text(), stderr: output.stderr.text() };
}

const states = ["running", "exited", "signalled", "timed-out", "cancelled", "lost", "not-started"] as const;

/** Throws InternalError for a state that only a newer agent knows. */
export function jobState(job: Job): (typeof states)[number] {
  const state = states.find((each) => each === job.state);
  if (state === undefined) throw new InternalError(`job ${job.jobId}: the agent calls its state "${job.state}"`);
  return state;
}
