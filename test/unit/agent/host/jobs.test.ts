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
import type { JobEvent, JobRequest } from "../../../../agent/ports/command.js";
import { systemClock } from "../../../../proto/base/clock.js";
import { silentLogger } from "../../../../proto/base/logger.js";
import { runs, until } from "../../../support/host/processes.js";
import { scratchDirectory } from "../../../support/host/scratch.js";

const supervisor = [process.execPath, fileURLToPath(new URL("../../../support/host/supervise-job.js", import.meta.url))];

function request(id: string, argv: readonly string[], more: Partial<JobRequest> = {}): JobRequest {
  return { id, argv, cwd: "", env: {}, stdin: new Uint8Array(), timeoutMs: 0, ...more };
}

function shell(id: string, script: string, more: Partial<JobRequest> = {}): JobRequest {
  return request(id, ["/bin/sh", "-c", script], more);
}

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

async function ended(jobs: HostJobs, id: string, from = { stdoutOffset: 0, stderrOffset: 0 }) {
  const output = { stdout: "", stderr: "" };
  for await (const event of jobs.follow(id, from, { signal: AbortSignal.timeout(20_000) })) {
    if (event.kind === "ended") return { ...output, job: event.job };
    output[event.kind] += Buffer.from(event.data).toString();
  }
  throw new Error("the job's events ended without its end");
}

t.test("a job's output, exit code and times are kept and can be told again after its end", async (t) => {
  const jobs = await jobsFor(t);
  await jobs.start(shell("build", "cat; echo trouble >&2; exit 7", { stdin: Buffer.from("fed\n") }));
  const first = await ended(jobs, "build");
  t.match(first, { stdout: "fed\n", stderr: "trouble\n", job: { state: "exited", exitCode: 7, stdoutBytes: 4, stderrBytes: 8 } });
  t.ok((first.job.endedMs ?? 0) >= first.job.startedMs);
  t.match(await ended(jobs, "build", { stdoutOffset: 2, stderrOffset: 8 }), { stdout: "d\n", stderr: "" }, "from the offsets asked for");
});

t.test("the same id again returns the job that is there and starts nothing", async (t) => {
  const directory = await scratchDirectory(t);
  const jobs = await jobsFor(t, { directory: join(directory, "jobs") });
  const once = shell("once", `echo ran >> ${directory}/count`);
  await Promise.all([jobs.start(once), jobs.start(once), jobs.start(once)]);
  await ended(jobs, "once");
  t.match(await jobs.start(once), { state: "exited", exitCode: 0 });
  t.equal(await readFile(join(directory, "count"), "utf8"), "ran\n");
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

t.test("what a program prints is followed while it runs", async (t) => {
  const jobs = await jobsFor(t);
  const gate = join(await scratchDirectory(t), "gate");
  await jobs.start(shell("live", `echo first; while [ ! -e ${gate} ]; do sleep 0.02; done; echo second`));
  const seen: JobEvent[] = [];
  for await (const event of jobs.follow("live", { stdoutOffset: 0, stderrOffset: 0 }, { signal: AbortSignal.timeout(20_000) })) {
    seen.push(event);
    if (seen.length === 1) await writeFile(gate, "");
  }
  t.match(seen, [
    { kind: "stdout", offset: 0, data: Buffer.from("first\n") },
    { kind: "stdout", offset: 6, data: Buffer.from("second\n") },
    { kind: "ended", job: { state: "exited" } },
  ]);
});

t.test("a follower that stops reading holds up neither the program nor other followers", async (t) => {
  const jobs = await jobsFor(t);
  await jobs.start(request("much", [process.execPath, "-e", "process.stdout.write('x'.repeat(3_000_000))"]));
  const stalled = jobs.follow("much", { stdoutOffset: 0, stderrOffset: 0 })[Symbol.asyncIterator]();
  await stalled.next();
  t.equal((await ended(jobs, "much")).stdout.length, 3_000_000);
  await stalled.return?.();
});

t.test("a signal that ends a program is named", async (t) => {
  const jobs = await jobsFor(t);
  await jobs.start(shell("abort", "kill -ABRT $$"));
  t.match((await ended(jobs, "abort")).job, { state: "signalled", signal: "SIGABRT" });
});

t.test("a program that cannot be executed is not started, and the reason says why", async (t) => {
  const jobs = await jobsFor(t);
  const directory = await scratchDirectory(t);
  await writeFile(join(directory, "script"), "#!/bin/sh\n", { mode: 0o644 });
  const reasons: Record<string, string | undefined> = {};
  const requests = [
    request("absent", ["no-such-program-here"]),
    request("absent-path", ["/no/such/program"]),
    request("mode", [join(directory, "script")]),
    request("cwd", ["/bin/true"], { cwd: "/no/such/directory" }),
  ];
  for (const each of requests) {
    await jobs.start(each);
    const { job } = await ended(jobs, each.id);
    t.equal(job.state, "not-started");
    reasons[each.id] = job.reason;
  }
  t.match(reasons, {
    absent: "no-such-program-here: no such program on the PATH",
    "absent-path": "/no/such/program: there is no such program",
    mode: /script: not allowed to execute it/,
    cwd: "working directory /no/such/directory: there is no such directory",
  });
});

t.test("cancelling ends the whole process group, grandchildren that ignore SIGTERM included", async (t) => {
  const jobs = await jobsFor(t);
  const directory = await scratchDirectory(t);
  const stubborn = `trap '' TERM; echo $$ > ${directory}/pid.new; mv ${directory}/pid.new ${directory}/pid; while :; do sleep 0.05; done`;
  await jobs.start(shell("group", `sh -c "${stubborn.replaceAll("$$", "\\$\\$")}" & wait`));
  await until(() => existsSync(join(directory, "pid")), "the grandchild");
  const grandchild = Number(await readFile(join(directory, "pid"), "utf8"));
  t.ok(runs(grandchild));
  t.match(await jobs.cancel("group", 100), { state: "cancelled", signal: "SIGKILL" });
  t.notOk(runs(grandchild));
  t.match(await jobs.cancel("group", 100), { state: "cancelled" }, "cancelling again finds it ended");
});

/** A program that counts SIGUSR1 into its output; its child would tell if it got one too. */
const counting = `trap 'echo usr1' USR1; (trap 'echo child' USR1; while :; do sleep 0.02; done) & echo ready; while :; do sleep 0.02; done`;

async function says(jobs: HostJobs, id: string, line: string, times = 1): Promise<void> {
  const count = async () =>
    Buffer.from((await jobs.read(id, 1000)).stdout)
      .toString()
      .split("\n")
      .filter((each) => each === line).length;
  await until(async () => (await count()) === times, `${times} times "${line}"`);
}

t.test("a signal reaches the job's own process, once per key, not its children", async (t) => {
  const jobs = await jobsFor(t);
  await jobs.start(shell("counts", counting));
  await says(jobs, "counts", "ready");
  t.same(await jobs.signal("counts", "SIGUSR1", "k1"), { sent: true, replayed: false });
  await says(jobs, "counts", "usr1");
  t.same(await Promise.all(["k1", "k2", "k2", "k2"].map(async (key) => (await jobs.signal("counts", "SIGUSR1", key)).sent)), [
    true,
    true,
    true,
    true,
  ]);
  await says(jobs, "counts", "usr1", 2);
  t.same(await jobs.signal("counts", "SIGKILL", "k3"), { sent: true, replayed: false });
  const { job, stdout } = await ended(jobs, "counts");
  t.match(job, { state: "signalled", signal: "SIGKILL" });
  t.equal(stdout, "ready\nusr1\nusr1\n");
});

t.test("a signal's key outlives the agent, and is taken before the signal is sent", async (t) => {
  const directory = join(await scratchDirectory(t), "jobs");
  const before = await jobsFor(t, { directory });
  await before.start(shell("counts", counting));
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

t.test("a job is read with the end of its output, while it runs and after", async (t) => {
  const jobs = await jobsFor(t);
  const gate = join(await scratchDirectory(t), "gate");
  await jobs.start(shell("reads", `echo trouble >&2; echo one; echo two; while [ ! -e ${gate} ]; do sleep 0.02; done; echo three`));
  await says(jobs, "reads", "two");
  const text = ({ stdout, stderr }: { stdout: Uint8Array; stderr: Uint8Array }) => [
    Buffer.from(stdout).toString(),
    Buffer.from(stderr).toString(),
  ];
  const running = await jobs.read("reads", 4);
  t.equal(running.job.state, "running");
  t.same(text(running), ["two\n", "ble\n"]);
  await writeFile(gate, "");
  await ended(jobs, "reads");
  const over = await jobs.read("reads", 1000);
  t.match(over.job, { state: "exited", exitCode: 0 });
  t.same(text(over), ["one\ntwo\nthree\n", "trouble\n"]);
  await t.rejects(jobs.read("nobody", 10), { code: "not-found" });
});

t.test("a job that outlives its time is ended by its supervisor", async (t) => {
  const jobs = await jobsFor(t);
  await jobs.start(shell("slow", "sleep 60", { timeoutMs: 100 }));
  t.match((await ended(jobs, "slow")).job, { state: "timed-out", signal: "SIGTERM" });
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

t.test("only the newest jobs are kept, and running ones always", async (t) => {
  const jobs = await jobsFor(t, { keep: 2 });
  await jobs.start(shell("running", "sleep 60"));
  for (const id of ["a", "b", "c"]) {
    await jobs.start(request(id, ["/bin/true"]));
    await ended(jobs, id);
  }
  t.same(
    (await jobs.list()).map((job) => job.id),
    ["c", "b", "running"],
  );
  await t.rejects(jobs.get("a"), { code: "not-found" });
});

t.test("requests that can never work are refused before anything is stored", async (t) => {
  const jobs = await jobsFor(t);
  for (const id of ["", "..", "a/b", "x".repeat(101), "a b"])
    await t.rejects(jobs.start(request(id, ["/bin/true"])), { code: "invalid-argument" });
  await t.rejects(jobs.start(request("empty", [])), { code: "invalid-argument" });
  await t.rejects(jobs.get("../jobs"), { code: "not-found" });
  t.same(await jobs.list(), []);
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
