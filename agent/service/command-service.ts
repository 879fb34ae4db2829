import type { Commands, Job, JobEvent } from "../ports/command.js";
import type { CommandServiceService, Job as JobMessage, JobEvent as JobEventMessage } from "../../proto/gen/lab/v1/command.js";
import type { Implementation } from "../../proto/rpc/service.js";
import { UnsupportedError } from "../../proto/base/errors.js";
import type { OwnNode } from "./acting.js";

const defaultGraceMs = 5_000;

/** Jobs on the machine this agent runs on. */
export function commandService(own: OwnNode, commands: Commands): Implementation<typeof CommandServiceService> {
  return {
    async startJob(request) {
      await own.mayAct(request);
      const { jobId: id, argv, cwd, env, stdin, timeoutMs } = request;
      return jobMessage(await commands.start({ id, argv, cwd, env, stdin, timeoutMs }));
    },
    async *followJob({ node, jobId, stdoutOffset, stderrOffset }, { signal }) {
      own.check(node);
      const from = { stdoutOffset: Number(stdoutOffset), stderrOffset: Number(stderrOffset) };
      for await (const event of commands.follow(jobId, from, { signal })) yield eventMessage(event);
    },
    async getJob({ node, jobId }) {
      own.check(node);
      return jobMessage(await commands.get(jobId));
    },
    async readJob() {
      throw new UnsupportedError("not yet");
    },
    async signalJob() {
      throw new UnsupportedError("not yet");
    },
    async listJobs({ node }) {
      own.check(node);
      return { jobs: (await commands.list()).map(jobMessage) };
    },
    // Ends something instead of doing it, so it needs no lease: whoever may reach the node may stop what it left running.
    async cancelJob({ node, jobId, graceMs }) {
      own.check(node);
      return jobMessage(await commands.cancel(jobId, graceMs === 0 ? defaultGraceMs : graceMs));
    },
  };
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
