/** A command on a machine that its agent reaches over a connection of its own: the agent is there, the machine may not be. */
import t from "tap";
import { runJob } from "../../../../controller/agents/job-run.js";
import type { AgentConnection } from "../../../../controller/agents/agent-connection.js";
import { sleep } from "../../../../proto/base/clock.js";
import { UnreachableError } from "../../../../proto/base/errors.js";
import type { Job, JobEvent } from "../../../../proto/gen/lab/v1/command.js";
import { FakeClock } from "../../../support/fake-clock.js";

const request = { jobId: "j1", argv: ["make"], cwd: "", env: {}, timeoutMs: 0 };
const options = { fence: { leaseId: "lease-1", epoch: 1n } };

/** The machine is away in these spans of time, each from and to. Its job ends at `endsAtMs`. */
function machine(away: readonly (readonly [number, number])[], endsAtMs: number) {
  const clock = new FakeClock();
  const isAway = () => away.some(([from, to]) => clock.monotonicMs() >= from && clock.monotonicMs() < to);
  const reached = async <T>(value: T): Promise<T> => {
    if (!isAway()) return value;
    await sleep(clock, 2000);
    throw new UnreachableError("ssh root@board: connect: no answer in time");
  };
  const job: Job = {
    jobId: "j1",
    argv: ["make"],
    state: "exited",
    exitCode: 0,
    signal: "",
    reason: "",
    startedMs: 1n,
    endedMs: 2n,
    stdoutBytes: 0n,
    stderrBytes: 0n,
    pid: 1,
  };
  let starts = 0;
  const command = {
    startJob: () => {
      starts += 1;
      return reached(job);
    },
    getJob: () => reached(job),
    async *followJob(): AsyncGenerator<JobEvent> {
      while (clock.monotonicMs() < endsAtMs) {
        await reached(undefined);
        await sleep(clock, 1000);
      }
      yield { event: { $case: "ended", value: await reached(job) } };
    },
  } as unknown as AgentConnection["command"];
  const context = { node: "board", clock, reach: async () => ({ command }) as AgentConnection };
  return { clock, context, starts: () => starts };
}

t.test("a machine that stays away while its agent is there ends the wait", async (t) => {
  const { clock, context } = machine([[10_000, Number.POSITIVE_INFINITY]], 3_600_000);
  const ended = t.rejects(runJob(context, request, options), {
    name: "UnreachableError",
    message: /node board: lost while "make" \(job j1\) ran there: ssh root@board: connect: no answer in time/,
  });
  await clock.advance(120_000);
  await ended;
});

t.test("one that is away from the start ends it too", async (t) => {
  const { clock, context } = machine([[0, Number.POSITIVE_INFINITY]], 3_600_000);
  const ended = t.rejects(runJob(context, request, options), { name: "UnreachableError", message: /^ssh root@board: connect/ });
  await clock.advance(120_000);
  await ended;
});

t.test("one that is away again and again, but never for long, is waited for", async (t) => {
  const away = Array.from({ length: 10 }, (_, index) => [index * 60_000 + 10_000, index * 60_000 + 40_000] as const);
  const { clock, context, starts } = machine(away, 660_000);
  const ended = runJob(context, request, options);
  await clock.advance(700_000);
  t.match(await ended, { state: "exited", exitCode: 0 });
  t.equal(starts(), 1);
});
