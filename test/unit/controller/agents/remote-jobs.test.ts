import t from "tap";
import { openAgentLab } from "../../../support/agent/agent-lab.js";
import { until } from "../../../support/host/processes.js";

const fence = { leaseId: "lease-1", epoch: 1n };
const request = { jobId: "j1", argv: ["server"], cwd: "", env: { HOME: "/root" }, timeoutMs: 0 };

t.test("a started job is there when its process is, and goes on running", async (t) => {
  const lab = await openAgentLab(t);
  const p0 = await lab.agent("p0");
  p0.jobs.play = (job) => {
    job.pid = 0;
    job.print("listening\n");
  };
  const { jobs } = lab.nodes.node("p0");
  let started = false;
  const starting = jobs.start(request, { fence }).finally(() => (started = true));
  await until(() => p0.jobs.started.has("j1"), "the job");
  t.equal(started, false, "no process, not started");
  for (const job of p0.jobs.started.values()) job.pid = 77;
  t.match(await starting, { state: "running", pid: 77, exitCode: undefined, endedMs: undefined, stdout: "listening\n" });
  t.match(p0.jobs.started.get("j1")?.request, { argv: ["server"], env: { HOME: "/root" } });
});

t.test("a job that could not be started is told as it is", async (t) => {
  const lab = await openAgentLab(t);
  const p0 = await lab.agent("p0");
  p0.jobs.play = (job) => {
    job.pid = 0;
    job.finish({ state: "not-started", reason: "no such program" });
  };
  const { jobs } = lab.nodes.node("p0");
  t.match(await jobs.start(request, { fence }), { state: "not-started", reason: "no such program", pid: 0, endedMs: 2 });
});

t.test("a connection lost under a start starts nothing twice", async (t) => {
  const lab = await openAgentLab(t);
  const p0 = await lab.agent("p0");
  p0.jobs.play = () => lab.registry.connected("p0")?.channel.close();
  const { jobs } = lab.nodes.node("p0");
  t.match(await jobs.start(request, { fence }), { state: "running", pid: 1 });
  t.equal(p0.jobs.started.size, 1);
});

t.test("a job is read without waiting for its end; one the agent does not know is undefined", async (t) => {
  const lab = await openAgentLab(t);
  const p0 = await lab.agent("p0");
  const { jobs } = lab.nodes.node("p0");
  await jobs.start({ ...request, jobId: "short" }, { fence });
  p0.jobs.started.get("short")?.print("trouble\n", "stderr");
  t.match(await jobs.read("short"), { state: "exited", exitCode: 0, endedMs: 2, stderr: "trouble\n" });
  t.equal(await jobs.read("nobody"), undefined);
});

t.test("a signal is sent once per key, and not to what has ended", async (t) => {
  const lab = await openAgentLab(t);
  const p0 = await lab.agent("p0");
  p0.jobs.play = () => {};
  const { jobs } = lab.nodes.node("p0");
  await jobs.start(request, { fence });
  t.equal(await jobs.signal("j1", "SIGUSR1", { fence, key: "k1" }), true);
  t.equal(await jobs.signal("j1", "SIGUSR1", { fence, key: "k1" }), true);
  t.equal(await jobs.signal("j1", "SIGUSR1", { fence, key: "k2" }), true);
  t.same(p0.jobs.started.get("j1")?.signals, ["SIGUSR1", "SIGUSR1"]);
  p0.jobs.started.get("j1")?.exit(0);
  t.equal(await jobs.signal("j1", "SIGUSR1", { fence, key: "k3" }), false);
});

t.test("ending a job ends it; ending one the agent does not know does nothing", async (t) => {
  const lab = await openAgentLab(t);
  const p0 = await lab.agent("p0");
  p0.jobs.play = () => {};
  const { jobs } = lab.nodes.node("p0");
  await jobs.start(request, { fence });
  t.equal(await jobs.end("j1", { fence, graceMs: 0 }), true);
  t.match(await jobs.read("j1"), { state: "cancelled", signal: "SIGTERM" });
  t.equal(await jobs.end("nobody", { fence, graceMs: 0 }), false);
});

t.test("an agent that stays away ends the wait", async (t) => {
  const lab = await openAgentLab(t, { reconnectMs: 50 });
  await t.rejects(lab.nodes.node("p0").jobs.read("j1"), { name: "UnreachableError", message: /agent p0: not connected/ });
});
