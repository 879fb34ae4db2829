/** What every Commands does, wherever its jobs run. */
import { join } from "node:path";
import type { Test } from "tap";
import type { Commands, JobEvent, JobRequest } from "../../../agent/ports/command.js";
import { type Hands, localHands } from "./hands.js";
import { until } from "./processes.js";

export interface CommandsBench {
  readonly commands: Commands;
  /** Another instance over the same machine: the agent after a restart. */
  readonly reopen: () => Promise<Commands>;
}

/** `open` keeps as many jobs as asked for; jobs that run at a test's end are ended by the contract. */
export type OpenCommands = (t: Test, options?: { keep?: number }) => Promise<CommandsBench>;

export function jobRequest(id: string, argv: readonly string[], more: Partial<JobRequest> = {}): JobRequest {
  return { id, argv, cwd: "", env: {}, stdin: new Uint8Array(), timeoutMs: 0, ...more };
}

export function shellJob(id: string, script: string, more: Partial<JobRequest> = {}): JobRequest {
  return jobRequest(id, ["/bin/sh", "-c", script], more);
}

export async function jobEnd(commands: Commands, id: string, from = { stdoutOffset: 0, stderrOffset: 0 }) {
  const output = { stdout: "", stderr: "" };
  for await (const event of commands.follow(id, from, { signal: AbortSignal.timeout(20_000) })) {
    if (event.kind === "ended") return { ...output, job: event.job };
    output[event.kind] += Buffer.from(event.data).toString();
  }
  throw new Error("the job's events ended without its end");
}

/** A program that counts SIGUSR1 into its output; its child would tell if it got one too. */
export const countingScript = `trap 'echo usr1' USR1; (trap 'echo child' USR1; while kill -0 $$ 2>/dev/null; do sleep 0.02; done) & echo ready; while :; do sleep 0.02; done`;

export async function saysLine(jobs: Commands, id: string, line: string, times = 1): Promise<void> {
  const count = async () =>
    Buffer.from((await jobs.read(id, 1000)).stdout)
      .toString()
      .split("\n")
      .filter((each) => each === line).length;
  await until(async () => (await count()) === times, `${times} times "${line}"`);
}

/** `hands`: on the machine where the jobs run. */
export async function commandsContract(t: Test, openBench: OpenCommands, hands: Hands = localHands): Promise<void> {
  const openAll: OpenCommands = async (t, options) => {
    const bench = await openBench(t, options);
    t.teardown(async () => {
      for (const job of await bench.commands.list()) if (job.state === "running") await bench.commands.cancel(job.id, 0);
    });
    return bench;
  };
  const open = async (t: Test, options?: { keep?: number }) => (await openAll(t, options)).commands;
  await outputAndEnd(t, open, hands);
  await exactlyOnce(t, openAll, hands);
  await endings(t, open, hands);
  await signalsAndReadings(t, open, hands);
  await refusals(t, open);
}

type Open = (t: Test, options?: { keep?: number }) => Promise<Commands>;

async function outputAndEnd(t: Test, open: Open, hands: Hands): Promise<void> {
  await t.test("a job's output, exit code and times are kept and can be told again after its end", async (t) => {
    const jobs = await open(t);
    await jobs.start(shellJob("build", "cat; echo trouble >&2; exit 7", { stdin: Buffer.from("fed\n") }));
    const first = await jobEnd(jobs, "build");
    t.match(first, { stdout: "fed\n", stderr: "trouble\n", job: { state: "exited", exitCode: 7, stdoutBytes: 4, stderrBytes: 8 } });
    t.ok((first.job.endedMs ?? 0) >= first.job.startedMs);
    t.match(await jobEnd(jobs, "build", { stdoutOffset: 2, stderrOffset: 8 }), { stdout: "d\n", stderr: "" }, "from the offsets asked for");
  });

  await t.test("arguments, variables, input and working directory reach the program as they are", async (t) => {
    const jobs = await open(t);
    const directory = await hands.directory(t);
    const strange = ["it's", '"$HOME" `id`', "a\nb\\n", "", "*", "-n", "é\u{1f600}", "!x;&|<>(){}~#%"];
    const script = 'pwd; printf "%s|" "$VALUE"; for each; do printf "<%s>" "$each"; done; cat';
    const stdin = Buffer.from("two\nlines\0and a zero\n");
    const env = { VALUE: strange.join("\t") };
    await jobs.start(jobRequest("strange", ["/bin/sh", "-c", script, "sh", ...strange], { cwd: directory, env, stdin }));
    const { stdout } = await jobEnd(jobs, "strange");
    t.equal(stdout, `${directory}\n${strange.join("\t")}|${strange.map((each) => `<${each}>`).join("")}${String(stdin)}`);
    t.same((await jobs.get("strange")).argv.slice(4), strange);
  });

  await t.test("what a program prints is followed while it runs", async (t) => {
    const jobs = await open(t);
    const gate = join(await hands.directory(t), "gate");
    await jobs.start(shellJob("live", `echo first; while [ ! -e ${gate} ]; do sleep 0.02; done; echo second`));
    const seen: JobEvent[] = [];
    for await (const event of jobs.follow("live", { stdoutOffset: 0, stderrOffset: 0 }, { signal: AbortSignal.timeout(20_000) })) {
      seen.push(event);
      if (seen.length === 1) await hands.write(gate, "");
    }
    t.match(seen, [
      { kind: "stdout", offset: 0, data: Buffer.from("first\n") },
      { kind: "stdout", offset: 6, data: Buffer.from("second\n") },
      { kind: "ended", job: { state: "exited" } },
    ]);
  });

  await t.test("a follower that stops reading holds up neither the program nor other followers", async (t) => {
    const jobs = await open(t);
    await jobs.start(shellJob("much", "head -c 3000000 /dev/zero | tr '\\0' x"));
    const stalled = jobs.follow("much", { stdoutOffset: 0, stderrOffset: 0 })[Symbol.asyncIterator]();
    await stalled.next();
    t.equal((await jobEnd(jobs, "much")).stdout.length, 3_000_000);
    await stalled.return?.();
  });
}

async function exactlyOnce(t: Test, open: OpenCommands, hands: Hands): Promise<void> {
  await t.test("the same id again returns the job that is there and starts nothing", async (t) => {
    const { commands: jobs, reopen } = await open(t);
    const directory = await hands.directory(t);
    const once = shellJob("once", `echo ran >> ${directory}/count`);
    await Promise.all([jobs.start(once), jobs.start(once), jobs.start(once)]);
    await jobEnd(jobs, "once");
    t.match(await jobs.start(once), { state: "exited", exitCode: 0 });
    t.match(await (await reopen()).start(once), { state: "exited", exitCode: 0 });
    t.equal(await hands.read(join(directory, "count")), "ran\n");
  });

  await t.test("whoever comes later finds a job that runs, follows it from its offsets and sees its end", async (t) => {
    const { commands: jobs, reopen } = await open(t);
    const gate = join(await hands.directory(t), "gate");
    await jobs.start(shellJob("survivor", `echo before; while [ ! -e ${gate} ]; do sleep 0.02; done; echo after; exit 3`));
    await until(async () => (await jobs.get("survivor")).stdoutBytes === 7, "the first line");
    const later = await reopen();
    t.match(await later.list(), [{ id: "survivor", state: "running" }]);
    await hands.write(gate, "");
    t.match(await jobEnd(later, "survivor", { stdoutOffset: 7, stderrOffset: 0 }), {
      stdout: "after\n",
      job: { state: "exited", exitCode: 3 },
    });
  });

  await t.test("only the newest jobs are kept, and running ones always", async (t) => {
    const { commands: jobs } = await open(t, { keep: 2 });
    await jobs.start(shellJob("running", "exec sleep 60"));
    for (const id of ["a", "b", "c"]) {
      await jobs.start(jobRequest(id, ["/bin/true"]));
      await jobEnd(jobs, id);
    }
    t.same(
      (await jobs.list()).map((job) => job.id),
      ["c", "b", "running"],
    );
    await t.rejects(jobs.get("a"), { code: "not-found" });
  });
}

async function endings(t: Test, open: Open, hands: Hands): Promise<void> {
  await t.test("a signal that ends a program is named", async (t) => {
    const jobs = await open(t);
    await jobs.start(shellJob("abort", "kill -ABRT $$"));
    t.match((await jobEnd(jobs, "abort")).job, { state: "signalled", signal: "SIGABRT" });
  });

  await t.test("the process id of a job is its program's own", async (t) => {
    const jobs = await open(t);
    const program = "process.on('SIGUSR2', () => process.exit(9)); console.log(process.pid); setInterval(() => {}, 1000)";
    await jobs.start(jobRequest("own", [hands.node, "-e", program]));
    await until(async () => (await jobs.get("own")).stdoutBytes > 0, "its word");
    await until(async () => (await jobs.get("own")).pid !== undefined, "its process id");
    const { pid } = await jobs.get("own");
    // Never 0: that would be this very test.
    if (pid !== undefined && pid > 1) await hands.kill(pid, "SIGUSR2");
    t.match(await jobEnd(jobs, "own"), { stdout: `${pid}\n`, job: { state: "exited", exitCode: 9 } });
  });

  await t.test("a program that cannot be executed is not started, and the reason says why", async (t) => {
    const jobs = await open(t);
    const directory = await hands.directory(t);
    await hands.write(join(directory, "script"), "#!/bin/sh\n", 0o644);
    const reasons: Record<string, string | undefined> = {};
    const requests = [
      jobRequest("absent", ["no-such-program-here"]),
      jobRequest("absent-path", ["/no/such/program"]),
      jobRequest("mode", [join(directory, "script")]),
      jobRequest("cwd", ["/bin/true"], { cwd: "/no/such/directory" }),
    ];
    for (const each of requests) {
      await jobs.start(each);
      const { job } = await jobEnd(jobs, each.id);
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

  await t.test("cancelling ends the whole process group, grandchildren that ignore SIGTERM included", async (t) => {
    const jobs = await open(t);
    const directory = await hands.directory(t);
    const stubborn = `trap '' TERM; echo $$ > ${directory}/pid.new; mv ${directory}/pid.new ${directory}/pid; while :; do sleep 0.05; done`;
    await jobs.start(shellJob("group", `sh -c "${stubborn.replaceAll("$$", "\\$\\$")}" & wait`));
    await until(() => hands.exists(join(directory, "pid")), "the grandchild");
    const grandchild = Number(await hands.read(join(directory, "pid")));
    t.ok(await hands.runs(grandchild));
    t.match(await jobs.cancel("group", 100), { state: "cancelled", signal: "SIGKILL" });
    t.notOk(await hands.runs(grandchild));
    t.match(await jobs.cancel("group", 100), { state: "cancelled" }, "cancelling again finds it ended");
  });

  await t.test("a job that outlives its time is ended by its supervisor", async (t) => {
    const jobs = await open(t);
    await jobs.start(shellJob("slow", "exec sleep 60", { timeoutMs: 100 }));
    t.match((await jobEnd(jobs, "slow")).job, { state: "timed-out", signal: "SIGTERM" });
  });
}

async function refusals(t: Test, open: Open): Promise<void> {
  await t.test("requests that can never work are refused before anything is stored", async (t) => {
    const jobs = await open(t);
    for (const id of ["", "..", "a/b", "x".repeat(101), "a b"])
      await t.rejects(jobs.start(jobRequest(id, ["/bin/true"])), { code: "invalid-argument" });
    await t.rejects(jobs.start(jobRequest("empty", [])), { code: "invalid-argument" });
    await t.rejects(jobs.start(jobRequest("zero", ["/bin/echo", "a\0b"])), { code: "invalid-argument" });
    await t.rejects(jobs.get("../jobs"), { code: "not-found" });
    t.same(await jobs.list(), []);
  });
}

async function signalsAndReadings(t: Test, open: Open, hands: Hands): Promise<void> {
  await t.test("a signal reaches the job's own process, once per key, not its children", async (t) => {
    const jobs = await open(t);
    await jobs.start(shellJob("counts", countingScript));
    await saysLine(jobs, "counts", "ready");
    t.same(await jobs.signal("counts", "SIGUSR1", "k1"), { sent: true, replayed: false });
    await saysLine(jobs, "counts", "usr1");
    t.same(await Promise.all(["k1", "k2", "k2", "k2"].map(async (key) => (await jobs.signal("counts", "SIGUSR1", key)).sent)), [
      true,
      true,
      true,
      true,
    ]);
    await saysLine(jobs, "counts", "usr1", 2);
    t.same(await jobs.signal("counts", "SIGKILL", "k3"), { sent: true, replayed: false });
    const { job, stdout } = await jobEnd(jobs, "counts");
    t.match(job, { state: "signalled", signal: "SIGKILL" });
    t.equal(stdout, "ready\nusr1\nusr1\n");
  });

  await t.test("a job is read with the end of its output, while it runs and after", async (t) => {
    const jobs = await open(t);
    const gate = join(await hands.directory(t), "gate");
    await jobs.start(shellJob("reads", `echo trouble >&2; echo one; echo two; while [ ! -e ${gate} ]; do sleep 0.02; done; echo three`));
    await saysLine(jobs, "reads", "two");
    const text = ({ stdout, stderr }: { stdout: Uint8Array; stderr: Uint8Array }) => [
      Buffer.from(stdout).toString(),
      Buffer.from(stderr).toString(),
    ];
    const running = await jobs.read("reads", 4);
    t.equal(running.job.state, "running");
    t.same(text(running), ["two\n", "ble\n"]);
    await hands.write(gate, "");
    await jobEnd(jobs, "reads");
    const over = await jobs.read("reads", 1000);
    t.match(over.job, { state: "exited", exitCode: 0 });
    t.same(text(over), ["one\ntwo\nthree\n", "trouble\n"]);
    await t.rejects(jobs.read("nobody", 10), { code: "not-found" });
  });
}
