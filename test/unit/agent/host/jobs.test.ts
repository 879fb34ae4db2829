import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";
import { JobDirectory } from "../../../../agent/host/jobs/job-directory.js";
import { HostJobs, type HostJobsOptions } from "../../../../agent/host/jobs/jobs.js";
import { RootDirectory } from "../../../../agent/host/root-directory.js";
import { systemClock } from "../../../../proto/base/clock.js";
import { silentLogger } from "../../../../proto/base/logger.js";
import {
  commandsContract,
  countingScript,
  jobEnd as ended,
  saysLine as says,
  shellJob as shell,
} from "../../../support/host/commands-contract.js";
import { runs, until } from "../../../support/host/processes.js";
import { scratchDirectory } from "../../../support/host/scratch.js";

const supervisor = [process.execPath, fileURLToPath(new URL("../../../support/host/supervise-job.js", import.meta.url))];

/** Jobs over a directory of this test; whatever still runs at its end is killed. */
async function jobsFor(t: Test, more: Partial<HostJobsOptions> = {}): Promise<HostJobs> {
  const directory = more.directory ?? join(await scratchDirectory(t), "jobs");
  const jobs = await HostJobs.open({
    directory,
    root: new RootDirectory("/"),
    clock: systemClock,
    log: silentLogger,
    supervisor,
    bootId: "boot-1",
    keep: 100,
    shareStdin: false,
    ...more,
  });
  t.teardown(async () => {
    for (const job of await jobs.list()) if (job.state === "running") await jobs.cancel(job.id, 0);
  });
  return jobs;
}

t.test("as every Commands", (t) =>
  commandsContract(t, async (t, options) => {
    const directory = join(await scratchDirectory(t), "jobs");
    const open = () => jobsFor(t, { directory, ...options });
    return { commands: await open(), reopen: open };
  }),
);

t.test("a program by its path is the machine's own, where the machine is a directory", async (t) => {
  const machine = await scratchDirectory(t);
  await mkdir(join(machine, "opt"));
  await writeFile(join(machine, "opt/greet"), "#!/bin/sh\necho from the machine\n", { mode: 0o755 });
  await writeFile(join(machine, "opt/data"), "no script\n");
  const jobs = await jobsFor(t, { root: new RootDirectory(machine) });
  const start = { ...shell("greet", ""), cwd: "/" };
  await jobs.start({ ...start, argv: ["/opt/greet"] });
  const job = await ended(jobs, "greet");
  t.match(job, { stdout: "from the machine\n", job: { state: "exited", argv: ["/opt/greet"] } });
  await jobs.start({ ...start, id: "data", argv: ["/opt/data"] });
  t.match(await ended(jobs, "data"), { job: { state: "not-started" } });
  await jobs.start({ ...start, id: "sh", argv: ["/bin/sh", "-c", "exit 3"] });
  t.match(await ended(jobs, "sh"), { job: { exitCode: 3 } });
});

t.test("a job that is being started is running to whoever looks meanwhile", async (t) => {
  const jobs = await jobsFor(t);
  const states = new Set<string>();
  let starting = true;
  const started = jobs.start(shell("early", "exit 5")).finally(() => {
    starting = false;
  });
  while (starting) {
    for (const job of await jobs.list()) states.add(job.state);
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.match(await jobs.start(shell("early", "exit 5")), { id: "early" });
  await started;
  t.same([...states], ["running"]);
  t.match((await ended(jobs, "early")).job, { state: "exited", exitCode: 5 });
});

t.test("a signal's key outlives the agent, and is taken before the signal is sent", async (t) => {
  const directory = join(await scratchDirectory(t), "jobs");
  const before = await jobsFor(t, { directory });
  await before.start(shell("counts", countingScript));
  await says(before, "counts", "ready");
  // As an agent leaves it that dies between the two.
  await new JobDirectory(join(directory, "counts")).takeSignal("k1", "SIGKILL");
  const after = await jobsFor(t, { directory });
  t.same(await after.signal("counts", "SIGKILL", "k1"), { sent: true, replayed: true });
  t.same(await after.signal("counts", "SIGUSR1", "k2"), { sent: true, replayed: false });
  await says(after, "counts", "usr1");
});

t.test("a job that has ended gets no signal, whoever has its process id by now", async (t) => {
  const directory = join(await scratchDirectory(t), "jobs");
  const jobs = await jobsFor(t, { directory });
  await jobs.start(shell("over", "exit 0"));
  await ended(jobs, "over");
  t.same(await jobs.signal("over", "SIGTERM", "k1"), { sent: false, replayed: false });
  await jobs.start(shell("reused", "sleep 60"));
  await until(async () => (await jobs.get("reused")).pid !== undefined, "the program");
  const job = new JobDirectory(join(directory, "reused"));
  const started = await job.readStarted();
  await writeFile(job.file("started.json"), JSON.stringify({ ...started, startTicks: "1" }));
  t.same(await jobs.signal("reused", "SIGKILL", "k1"), { sent: false, replayed: false });
  t.equal((await jobs.get("reused")).state, "running");
  await t.rejects(jobs.signal("nobody", "SIGTERM", "k1"), { code: "not-found" });
});

t.test("an agent that is killed loses no job: the next one finds it, follows it from its offsets and sees its end", async (t) => {
  const directory = await scratchDirectory(t);
  const gate = join(directory, "gate");
  const program = fileURLToPath(new URL("../../../support/host/start-job.js", import.meta.url));
  const script = `echo before; while [ ! -e ${gate} ]; do sleep 0.02; done; echo after; exit 3`;
  const agent = spawn(process.execPath, [program, join(directory, "jobs"), "survivor", script], { stdio: ["ignore", "pipe", "inherit"] });
  await once(agent.stdout, "data");
  agent.kill("SIGKILL");
  await once(agent, "exit");

  const jobs = await jobsFor(t, { directory: join(directory, "jobs") });
  t.match(await jobs.list(), [{ id: "survivor", state: "running" }]);
  await writeFile(gate, "");
  t.match(await ended(jobs, "survivor", { stdoutOffset: 7, stderrOffset: 0 }), {
    stdout: "after\n",
    job: { state: "exited", exitCode: 3 },
  });
});

t.test("a job whose supervisor is killed is lost, and its program does not run on unseen", async (t) => {
  const directory = await scratchDirectory(t);
  const jobs = await jobsFor(t, { directory: join(directory, "jobs") });
  const launched = await jobs.start(
    shell("orphan", `echo $$ > ${directory}/pid.new; mv ${directory}/pid.new ${directory}/pid; exec sleep 60`),
  );
  t.equal(launched.state, "running");
  await until(async () => (await jobs.get("orphan")).pid !== undefined && existsSync(join(directory, "pid")), "the program");
  const claim = await new JobDirectory(join(directory, "jobs", "orphan")).readClaim();
  process.kill(claim?.pid ?? 0, "SIGKILL");
  await until(async () => (await jobs.get("orphan")).state !== "running", "the job to be lost");
  t.match(await jobs.get("orphan"), { state: "lost", reason: /ended without a result/ });
  await until(() => !existsSync(`/proc/${claim?.pid}`), "the supervisor to be reaped");
  t.notOk(runs(Number(await readFile(join(directory, "pid"), "utf8"))));
});

t.test("a job of an earlier boot is lost, and says so", async (t) => {
  const directory = join(await scratchDirectory(t), "jobs");
  const before = await jobsFor(t, { directory });
  await before.start(shell("rebooted", "sleep 60"));
  await until(async () => (await before.get("rebooted")).pid !== undefined, "the program");
  const claim = await new JobDirectory(join(directory, "rebooted")).readClaim();
  process.kill(claim?.pid ?? 0, "SIGKILL");
  const after = await jobsFor(t, { directory, bootId: "boot-2" });
  t.match(await after.get("rebooted"), { state: "lost", reason: "the machine went down under it (boot boot-1, now boot-2)" });
});

t.test("a job whose agent died before anything was started is settled and never starts later", async (t) => {
  const directory = join(await scratchDirectory(t), "jobs");
  await mkdir(directory, { recursive: true });
  const stored = { id: "early", argv: ["/bin/true"], cwd: "/", env: {}, timeoutMs: 0, createdMs: 1, bootId: "boot-1" };
  const job = new JobDirectory(join(directory, "early"));
  await job.writeRequest(stored, new Uint8Array());
  const jobs = await jobsFor(t, { directory });
  t.match(await jobs.get("early"), { state: "not-started", reason: /before it could start/ });
  t.notOk(await job.claim({ pid: process.pid, startTicks: "" }), "a supervisor that comes late finds it taken");
});

t.test("what a supervisor that could not come up said is told with the job", async (t) => {
  const jobs = await jobsFor(t, { supervisor: ["/bin/sh", "-c", "echo 'no such module' >&2; exit 1"] });
  await jobs.start(shell("stillborn", "true"));
  t.match((await ended(jobs, "stillborn")).job, { state: "not-started", reason: /^its supervisor ended before .*: no such module$/ });
});

t.test("a disk that is full is told when a job starts, and when it ends", async (t) => {
  const directory = await scratchDirectory(t);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", directory], { stdio: "ignore" });
  } catch {
    t.pass("the disk fills up", { skip: "mounting a small file system is not allowed here" });
    return;
  }
  t.teardown(() => execFileSync("umount", [directory]));
  const jobs = await jobsFor(t, { directory: join(directory, "jobs") });
  await jobs.start(shell("fills", "cat /dev/zero; exit 2"));
  t.match((await ended(jobs, "fills")).job, { state: "exited", exitCode: 2, reason: /is full: output may be missing/ });
  t.ok((await jobs.get("fills")).pid);
  await t.rejects(jobs.start(shell("late", "true")), { code: "exhausted", message: /start job late: the disk is full, \d+ bytes free/ });
  t.match(await jobs.list(), [{ id: "fills" }]);
});
