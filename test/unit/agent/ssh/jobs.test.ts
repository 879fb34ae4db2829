import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import t, { type Test } from "tap";
import { SshHost } from "../../../../agent/ssh/connection/host.js";
import { SshJobs } from "../../../../agent/ssh/jobs/jobs.js";
import type { Shell } from "../../../../agent/ssh/shell/shell.js";
import { systemClock } from "../../../../proto/base/clock.js";
import { silentLogger } from "../../../../proto/base/logger.js";
import { commandsContract, jobEnd, jobRequest, shellJob } from "../../../support/host/commands-contract.js";
import { runs, until } from "../../../support/host/processes.js";
import { scratchDirectory } from "../../../support/host/scratch.js";
import { localShell } from "../../../support/ssh/local-shell.js";
import { noSshServer, openSshServer } from "../../../support/ssh/openssh-server.js";

function jobsOver(shell: Shell, keep = 100): SshJobs {
  return new SshJobs({ shell, clock: systemClock, keep });
}

for (const program of [["/bin/sh"], ["/bin/bash", "--posix"]]) {
  t.test(`as every Commands, by ${program[0]} alone`, async (t) => {
    await commandsContract(t, async (t, options) => {
      const home = await scratchDirectory(t);
      const open = () => jobsOver(localShell(home, { program }), options?.keep);
      return { commands: open(), reopen: async () => open() };
    });
  });
}

t.test("as every Commands, over a real sshd", noSshServer === undefined ? {} : { skip: noSshServer }, async (t) => {
  await commandsContract(t, async (t, options) => {
    const server = await openSshServer(t);
    await server.trust();
    const open = () => {
      const host = new SshHost({ target: server.target, files: server.files, clock: systemClock, log: silentLogger });
      t.teardown(() => host.close());
      return jobsOver(host, options?.keep);
    };
    return { commands: open(), reopen: async () => open() };
  });
});

t.test(
  "a connection cut in the middle of the output leaves neither hole nor repeat",
  noSshServer === undefined ? {} : { skip: noSshServer },
  async (t) => {
    const server = await openSshServer(t);
    await server.trust();
    const host = new SshHost({ target: server.target, files: server.files, clock: systemClock, log: silentLogger });
    t.teardown(() => host.close());
    const jobs = jobsOver(host);
    const gate = join(server.directory, "gate");
    await jobs.start(shellJob("long", `seq 1 2000; while [ ! -e ${gate} ]; do sleep 0.02; done; seq 2001 4000`));
    let text = "";
    for await (const event of jobs.follow("long", { stdoutOffset: 0, stderrOffset: 0 }, { signal: AbortSignal.timeout(20_000) })) {
      if (event.kind === "ended") break;
      if (text === "") {
        await server.cutConnections();
        await writeFile(gate, "");
      }
      text += Buffer.from(event.data).toString();
    }
    t.same(
      text.trim().split("\n").map(Number),
      Array.from({ length: 4000 }, (_, index) => index + 1),
    );
  },
);

t.test("a job of an earlier boot is lost, and says so", async (t) => {
  const root = await scratchDirectory(t);
  const bootId = join(root, "proc/sys/kernel/random/boot_id");
  await mkdir(join(bootId, ".."), { recursive: true });
  await writeFile(bootId, "boot-1\n");
  const shell = localShell(root, { env: { LABD_ROOT: root } });
  const jobs = jobsOver(shell);
  const { pid } = await started(t, jobs, "rebooted");
  process.kill(pid, "SIGKILL");
  await jobEnd(jobs, "rebooted");
  await jobs.start(jobRequest("running", ["/bin/sleep", "60"]));
  await until(async () => (await jobs.get("running")).pid !== undefined, "the program");
  const { pid: left } = await jobs.get("running");
  t.teardown(() => left !== undefined && runs(left) && process.kill(left, "SIGKILL"));
  await writeFile(bootId, "boot-2\n");
  t.match(await jobs.get("running"), { state: "lost", reason: "the machine went down under it (boot boot-1, now boot-2)" });
  t.match(await jobs.get("rebooted"), { state: "signalled" }, "what had ended before stays as it was");
});

t.test("a job whose supervisor is killed is lost, and its program does not run on unseen", async (t) => {
  const home = await scratchDirectory(t);
  const jobs = jobsOver(localShell(home));
  const { pid } = await started(t, jobs, "orphan");
  const [supervisor = ""] = (await readFile(join(home, ".labd/jobs/orphan/claim"), "utf8")).split(" ");
  if (Number(supervisor) > 1) process.kill(Number(supervisor), "SIGKILL");
  await until(async () => (await jobs.get("orphan")).state !== "running", "the job to be lost");
  t.match(await jobs.get("orphan"), { state: "lost", reason: /its supervisor \(process \d+\) ended without a result/ });
  await until(() => !runs(pid), "the program to end");
});

t.test("a program that exits as if by a signal is told as that, with the doubt", async (t) => {
  const jobs = jobsOver(localShell(await scratchDirectory(t)));
  await jobs.start(shellJob("like", "exit 137"));
  t.match((await jobEnd(jobs, "like")).job, {
    state: "signalled",
    signal: "SIGKILL",
    reason: /looks like exit code 137, which it may have been/,
  });
  await jobs.start(shellJob("above", "exit 255"));
  t.match((await jobEnd(jobs, "above")).job, { state: "exited", exitCode: 255, reason: undefined });
});

t.test("a request that is cut off on its way starts nothing", async (t) => {
  const home = await scratchDirectory(t);
  const whole = localShell(home);
  const cutting: Shell = {
    label: "a line that breaks",
    async open(script, options) {
      const process = await whole.open(script, options);
      const write = process.stdin.write.bind(process.stdin);
      process.stdin.write = ((chunk: Buffer) => write(chunk.subarray(0, chunk.length - 5))) as never;
      return process;
    },
  };
  await t.rejects(jobsOver(cutting).start(shellJob("half", `touch ${home}/ran`, { stdin: Buffer.from("12345678") })), {
    code: "unreachable",
    message: /was cut off on its way; nothing was started/,
  });
  t.same(await jobsOver(whole).list(), []);
  t.notOk(existsSync(join(home, "ran")));
});

async function started(t: Test, jobs: SshJobs, id: string): Promise<{ pid: number }> {
  await jobs.start(jobRequest(id, ["/bin/sleep", "60"]));
  await until(async () => (await jobs.get(id)).pid !== undefined, "the program");
  const { pid } = await jobs.get(id);
  if (pid === undefined) throw new Error(`job ${id} has no process`);
  t.ok(runs(pid));
  return { pid };
}
