/** A machine that has busybox and nothing else, as small boards are: its tools know fewer options. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import t, { type Test } from "tap";
import { SshFiles } from "../../../../agent/ssh/files/files.js";
import { SshJobs } from "../../../../agent/ssh/jobs/jobs.js";
import { SshMachine } from "../../../../agent/ssh/machine.js";
import { systemClock } from "../../../../proto/base/clock.js";
import { jobEnd, jobRequest, shellJob } from "../../../support/host/commands-contract.js";
import { chunks, sha256, text } from "../../../support/host/files-contract.js";
import { until } from "../../../support/host/processes.js";
import { scratchDirectory } from "../../../support/host/scratch.js";
import { localShell } from "../../../support/ssh/local-shell.js";

const program = ["/bin/busybox", "/usr/bin/busybox"].find((path) => existsSync(path));

/** A root directory with busybox alone, entered by chroot; undefined when that is not allowed here. */
async function busyboxRoot(t: Test): Promise<string | undefined> {
  const root = await scratchDirectory(t);
  for (const directory of ["bin", "proc", "root", "tmp", "dev"]) await mkdir(join(root, directory));
  execFileSync("cp", [program ?? "", join(root, "bin/busybox")]);
  try {
    execFileSync("mount", ["-t", "proc", "proc", join(root, "proc")], { stdio: "ignore" });
    t.teardown(() => execFileSync("umount", ["-l", join(root, "proc")]));
    execFileSync("chroot", [root, "/bin/busybox", "--install", "-s", "/bin"], { stdio: "pipe" });
  } catch {
    return undefined;
  }
  return root;
}

const skip = program === undefined ? { skip: "no busybox here: apt-get install -y --no-install-recommends busybox-static" } : {};

t.test("jobs, files and facts need no more than busybox", skip, async (t) => {
  const root = await busyboxRoot(t);
  if (root === undefined) {
    t.pass("on busybox alone", { skip: "entering another root directory is not allowed here" });
    return;
  }
  const shell = localShell("/root", { program: ["chroot", root, "/bin/sh"] });
  const jobs = new SshJobs({ shell, clock: systemClock, keep: 10 });
  t.teardown(async () => {
    for (const job of await jobs.list()) if (job.state === "running") await jobs.cancel(job.id, 0);
  });
  await jobs.start(shellJob("first", "cat; echo err >&2; exit 7", { stdin: Buffer.from("in\n"), timeoutMs: 60_000 }));
  t.match(await jobEnd(jobs, "first"), { stdout: "in\n", stderr: "err\n", job: { state: "exited", exitCode: 7 } });
  await jobs.start(shellJob("first", "echo never"));
  t.match(await jobEnd(jobs, "first"), { stdout: "in\n" });
  await jobs.start(jobRequest("slow", ["sleep", "60"], { timeoutMs: 300 }));
  t.match((await jobEnd(jobs, "slow")).job, { state: "timed-out", signal: "SIGTERM" });
  await jobs.start(shellJob("stubborn", "trap '' TERM; echo up; while :; do sleep 0.05; done"));
  await until(async () => (await jobs.get("stubborn")).stdoutBytes > 0, "its word");
  t.match(await jobs.cancel("stubborn", 100), { state: "cancelled", signal: "SIGKILL" });
  await jobs.start(shellJob("killed", "kill -ABRT $$"));
  t.match((await jobEnd(jobs, "killed")).job, { state: "signalled", signal: "SIGABRT" });
  await jobs.start(jobRequest("absent", ["nothing-here"]));
  t.match((await jobEnd(jobs, "absent")).job, { state: "not-started", reason: "nothing-here: no such program on the PATH" });
  t.equal((await jobs.list()).length, 5);

  const files = new SshFiles({ shell, clock: systemClock });
  const info = await files.write("/etc/lab/x y", chunks("0123", "456789"), { mode: 0o640, sha256: sha256("0123456789") });
  t.match(info, { kind: "file", sizeBytes: 10, mode: 0o640 });
  t.match(await files.stat("/etc/lab/x y", { wantSha256: true }), { sha256: sha256("0123456789") });
  t.equal(await text(files.read("/etc/lab/x y", { offset: 3, limit: 4 })), "3456");
  await t.rejects(text(files.read("/absent")), { code: "not-found" });
  t.equal(await files.stat("/absent"), undefined);
  t.same(await files.list("/etc/lab"), ["x y"]);
  await t.rejects(files.remove("/etc"), { code: "invalid-argument" });
  t.equal(await files.remove("/etc", { recursive: true }), true);

  const facts = await new SshMachine({ shell, clock: systemClock, rebootArgv: ["reboot"] }).facts();
  t.match(facts, { kernel: "Linux", bootId: /^[0-9a-f-]{36}$/ });
});
