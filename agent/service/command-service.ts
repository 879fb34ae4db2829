import { type Job, type JobEvent, type JobSignal, jobSignals } from "../ports/command.js";
import type { CommandServiceService, Job as JobMessage, JobEvent as JobEventMessage } from "../../proto/gen/lab/v1/command.js";
import type { Implementation } from "../../proto/rpc/service.js";
import { InvalidArgumentError } from "../../proto/base/errors.js";
import type { OperatedNodes } from "./acting.js";

const defaultGraceMs = 5_000;
/** Two such tails fit into one message. */
const longestTailBytes = 1024 * 1024;

/** Jobs on the nodes this agent speaks for. */
export function commandService(nodes: OperatedNodes): Implementation<typeof CommandServiceService> {
  return {
    async startJob(request) {
      const { commands } = await nodes.forActing(request);
      const { jobId: id, argv, cwd, env, stdin, timeoutMs } = request;
      return jobMessage(await commands.start({ id, argv, cwd, env, stdin, timeoutMs }));
    },
    async *followJob({ node, jobId, stdoutOffset, stderrOffset }, { signal }) {
      const { commands } = nodes.get(node);
      const from = { stdoutOffset: Number(stdoutOffset), stderrOffset: Number(stderrOffset) };
      for await (const event of commands.follow(jobId, from, { signal })) yield eventMessage(event);
    },
    async getJob({ node, jobId }) {
      return jobMessage(await nodes.get(node).commands.get(jobId));
    },
    async readJob({ node, jobId, tailBytes }) {
      const { commands } = nodes.get(node);
      const wanted = tailBytes === 0 ? longestTailBytes : Math.min(tailBytes, longestTailBytes);
      const { job, stdout, stderr } = await commands.read(jobId, wanted);
      return { job: jobMessage(job), stdout: Buffer.from(stdout), stderr: Buffer.from(stderr) };
    },
    async signalJob(request) {
      const { commands } = await nodes.forActing(request);
      const { jobId, key } = request;
      const signal = signalOf(request.signal, jobId);
      if (key === "")
        throw new InvalidArgumentError(`job ${jobId}: a signal needs a key, so that it is sent once`, { facts: { job: jobId } });
      return commands.signal(jobId, signal, key);
    },
    async listJobs({ node }) {
      return { jobs: (await nodes.get(node).commands.list()).map(jobMessage) };
    },
    // Ends something instead of doing it, so it needs no lease: whoever may reach the node may stop what it left running.
    async cancelJob({ node, jobId, graceMs }) {
      return jobMessage(await nodes.get(node).commands.cancel(jobId, graceMs === 0 ? defaultGraceMs : graceMs));
    },
  };
}

function signalOf(name: string, jobId: string): JobSignal {
  const signal = jobSignals.find((each) => each === name);
  if (signal !== undefined) return signal;
  throw new InvalidArgumentError(`job ${jobId}: "${name}" is not sent to jobs; ${jobSignals.join(", ")} are`, { facts: { job: jobId } });
}

function jobMessage(job: Job): JobMessage {
  return {
    jobId: job.id,
    argv: [...job.argv],
    state: job.state,
    exitCode: job.exitCode ?? 0,
    signal: job.signal ?? "",
    reason: job.reason ?? "",
    startedMs: BigInt(job.startedMs),
    endedMs: BigInt(job.endedMs ?? 0),
    stdoutBytes: BigInt(job.stdoutBytes),
    stderrBytes: BigInt(job.stderrBytes),
    pid: job.pid ?? 0,
  };
}

function eventMessage(event: JobEvent): JobEventMessage {
  if (event.kind === "ended") return { event: { $case: "ended", value: jobMessage(event.job) } };
  return { event: { $case: event.kind, value: { offset: BigInt(event.offset), data: Buffer.from(event.data) } } };
}
