/** lab-agent as a process: what survives it, what it remembers, and how it ends. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import t, { type Test } from "tap";
import { createEnrollmentService } from "../../controller/api/enrollment-service.js";
import { Authority } from "../../controller/identity/authority.js";
import { Enrollment } from "../../controller/identity/enrollment.js";
import { JoinTokens } from "../../controller/identity/join-tokens.js";
import { systemClock } from "../../proto/base/clock.js";
import type { SiteNode } from "../../proto/gen/lab/v1/agent.js";
import { EnrollmentServiceService } from "../../proto/gen/lab/v1/enrollment.js";
import { addService } from "../../proto/rpc/server.js";
import { agentBench, agentPrograms, ended, fence, followed, job } from "../support/host/agent-process.js";
import { runs, until } from "../support/host/processes.js";
import { scratchDirectory } from "../support/host/scratch.js";
import { openLabPort } from "../support/rpc/lab-port.js";

const nodeDuty = { config: { node: true } };

t.test("an agent killed in the middle of a job finds it again, and the job is followed to its end from where the reader was", async (t) => {
  const bench = await agentBench(t);
  const gate = join(bench.directory, "gate");
  const first = bench.start(nodeDuty);
  const before = await bench.connected();
  await before.command.startJob(job("build", `echo first; while [ ! -e ${gate} ]; do sleep 0.02; done; echo second; exit 4`));
  for await (const { event } of before.command.followJob({ node: "p0", jobId: "build", stdoutOffset: 0n, stderrOffset: 0n })) {
    if (event?.$case === "stdout") break;
  }
  await ended(first, "SIGKILL");
  bench.start(nodeDuty);
  const after = await bench.connected();
  t.match(await after.command.listJobs({ node: "p0" }), { jobs: [{ jobId: "build", state: "running" }] });
  await writeFile(gate, "");
  t.match(await followed(after, "build", 6n), { stdout: "second\n", job: { state: "exited", exitCode: 4 } });
});

t.test("a lease that is over may not act, also after the agent was restarted; asking is always allowed", async (t) => {
  const bench = await agentBench(t);
  const first = bench.start(nodeDuty);
  const before = await bench.connected();
  await before.command.startJob({ ...job("new", "true"), fence: { leaseId: "lease-7", epoch: 7n } });
  await ended(first, "SIGKILL");
  bench.start(nodeDuty);
  const after = await bench.connected();
  await t.rejects(after.command.startJob({ ...job("old", "true"), fence: { leaseId: "lease-6", epoch: 6n } }), {
    code: "conflict",
    message: /^p0: lease lease-6 \(epoch 6\) is over: epoch 7 has acted since/,
  });
  await t.rejects(after.command.startJob({ ...job("none", "true"), fence: undefined }), { code: "invalid-argument" });
  await t.rejects(after.file.remove({ node: "p0", path: "/tmp/x", recursive: false, fence: { leaseId: "lease-6", epoch: 6n } }), {
    code: "conflict",
  });
  t.same(
    (await after.command.listJobs({ node: "p0" })).jobs.map((each) => each.jobId),
    ["new"],
  );
  await t.rejects(after.command.listJobs({ node: "m0" }), { code: "not-found", message: "node m0: this is the agent of p0" });
});

/** A machine with power by a program and a serial line on a unix socket that greets whenever somebody connects. */
async function machine(t: Test, directory: string, node: string): Promise<{ site: SiteNode; acts: () => Promise<string> }> {
  const plug = join(directory, `plug-${node}`);
  const script = `D=${directory}/${node}
case $1 in
  status) [ -e $D.on ] && echo on || echo off;;
  on) echo on >> $D.acts; touch $D.on;;
  off) echo off >> $D.acts; rm -f $D.on;;
  *) exit 64;;
esac`;
  await writeFile(plug, `#!/bin/sh\n${script}\n`);
  await chmod(plug, 0o755);
  const path = join(directory, `${node}.tty`);
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.write(`${node} greets\r\n`);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.teardown(() => server.close());
  return {
    site: {
      node,
      bmc: undefined,
      power: { means: { $case: "command", value: { argv: [plug] } } },
      safety: undefined,
      ssh: undefined,
      console: { kind: "unix", target: path, baudRate: 0, line: "ttyS0" },
    },
    acts: () => readFile(join(directory, `${node}.acts`), "utf8").catch(() => ""),
  };
}

t.test("a site agent keeps its assignment and its acts over a restart: the same key does not act again", async (t) => {
  const bench = await agentBench(t);
  const { site, acts } = await machine(t, bench.directory, "m0");
  const config = { powerSettleMs: 50, powerPollMs: 20 };
  const first = bench.start({ config });
  const before = await bench.connected();
  t.same((await before.agent.describe({})).duties, []);
  t.match(await before.agent.assignSite({ nodes: [site], groups: [] }), { consoles: 1, bmcs: 1 });
  t.same((await before.agent.describe({})).duties, ["site"]);
  t.equal((await stat(join(bench.directory, "state/site.assignment"))).mode & 0o777, 0o600);
  const greeting = "m0 greets\r\n";
  await until(async () => (await before.console.listConsoles({})).consoles[0]?.endOffset === BigInt(greeting.length), "the greeting");

  const request = { node: "m0", verb: "cycle", key: "run-1/power", fence, deadlineMs: 10_000, queueMs: 0 };
  await before.power.setPower({ ...request, verb: "on", key: "first" });
  const cycled = await before.power.setPower(request);
  t.match(cycled, { before: "on", after: "on", acted: true, replayed: false, witnessed: true, consoleOffset: BigInt(greeting.length) });
  await t.rejects(before.power.setPower({ ...request, verb: "explode" }), { code: "invalid-argument" });
  await t.rejects(before.power.getPower({ node: "p0" }), { code: "not-found" });
  await ended(first, "SIGKILL");

  bench.start({ config });
  const after = await bench.connected();
  t.same((await after.agent.describe({})).duties, ["site"], "without being told again");
  t.same(await after.power.setPower(request), { ...cycled, replayed: true });
  t.match(await after.power.getPower({ node: "m0" }), { state: "on" });
  t.equal(await acts(), "on\noff\non\n");
  await until(async () => (await after.console.listBoots({ node: "m0" })).boots.length === 2, "the two boots marked by power acts");
});

t.test("a new assignment lets go of what is gone, leaves what stays, and names all that cannot be done", async (t) => {
  const bench = await agentBench(t);
  const [m0, m1] = [await machine(t, bench.directory, "m0"), await machine(t, bench.directory, "m1")];
  bench.start();
  const clients = await bench.connected();
  await clients.agent.assignSite({ nodes: [m0.site, m1.site], groups: [] });
  const broken = [
    { ...m0.site, node: "x0", console: { kind: "semaphore", target: "hill", baudRate: 0, line: "" } },
    {
      node: "x1",
      bmc: undefined,
      power: undefined,
      safety: undefined,
      ssh: undefined,
      console: { kind: "sol", target: "", baudRate: 0, line: "ttyS1" },
    },
  ];
  await t.rejects(clients.agent.assignSite({ nodes: [m1.site, ...broken], groups: [] }), {
    code: "invalid-argument",
    message: /x0: .*no driver for "semaphore".*; x1: its console is SOL and it has no BMC/,
  });
  t.same(
    (await clients.console.listConsoles({})).consoles.map((each) => each.node),
    ["m1"],
  );
  await t.rejects(clients.power.getPower({ node: "m0" }), {
    code: "not-found",
    message: /^node m0: this site agent has no BMC or power command/,
  });
  t.match(await clients.power.getPower({ node: "x0" }), { state: "off" });
  const log = await bench.log();
  t.equal(log.match(/"node":"m1","console":"[^"]*","msg":"console captured"/g)?.length, 1, "m1's line stayed open");
});

t.test("asked to end, the agent ends and its jobs live on; a lost connection is dialled again", async (t) => {
  const bench = await agentBench(t);
  const first = bench.start(nodeDuty);
  const before = await bench.connected();
  const gate = join(bench.directory, "gate");
  await before.command.startJob(job("long", `while [ ! -e ${gate} ]; do sleep 0.02; done`));
  before.channel.close();
  const again = await bench.connected();
  t.match(await again.command.getJob({ node: "p0", jobId: "long" }), { state: "running" });
  t.equal(await ended(first, "SIGTERM"), 0);
  bench.start(nodeDuty);
  const after = await bench.connected();
  t.match(await after.command.getJob({ node: "p0", jobId: "long" }), { state: "running" });
  await writeFile(gate, "");
  t.match(await followed(after, "long"), { job: { state: "exited", exitCode: 0 } });
});

t.test("an agent tied to its starter's life takes its jobs along", async (t) => {
  const bench = await agentBench(t);
  const child = bench.start({ config: { node: true, exitWithStdin: true }, stdin: "pipe" });
  const clients = await bench.connected();
  const mark = join(bench.directory, "pid");
  await clients.command.startJob(job("long", `echo $$ > ${mark}.new; mv ${mark}.new ${mark}; sleep 60`));
  await until(() => existsSync(mark), "the job");
  const pid = Number(await readFile(mark, "utf8"));
  child.stdin?.end();
  t.equal(await ended(child), 0);
  await until(() => !runs(pid), "the job to end");
  bench.start(nodeDuty);
  t.match(await (await bench.connected()).command.getJob({ node: "p0", jobId: "long" }), { state: "lost" });
});

t.test("an agent joins by its token once, and by its certificate ever after", async (t) => {
  const directory = await scratchDirectory(t);
  const authority = await Authority.open(directory, { clock: systemClock, lab: "test" });
  const enrollment = new Enrollment(authority, await JoinTokens.open(join(directory, "tokens.json"), { clock: systemClock }));
  const arrived: string[] = [];
  const port = await openLabPort(directory, {
    services: (server) => addService(server, EnrollmentServiceService, createEnrollmentService(enrollment)),
    onAgent: (socket, name) => {
      arrived.push(name);
      socket.destroy();
    },
  });
  t.teardown(() => port.close());
  const { token } = await enrollment.createToken({ name: "rack1", role: "agent" });
  const state = join(directory, "agent");
  const bench = await agentBench(t);
  for (const joinToken of [token, token]) {
    const count = arrived.length;
    const child = bench.start({ config: { name: "rack1", controller: port.address, state, joinToken } });
    await until(() => arrived.length > count, "the agent");
    await ended(child, "SIGTERM");
  }
  t.ok(arrived.every((name) => name === "rack1"));
  t.notMatch(await bench.log(), new RegExp(token.split(".")[1] ?? "no secret"), "the secret is not in the log");
});

t.test("what cannot work is said in one line with its exit code", async (t) => {
  const directory = await scratchDirectory(t);
  const file = join(directory, "agent.json");
  const run = (...args: string[]) => {
    const { status, stderr } = spawnSync(process.execPath, [agentPrograms.module, ...args], { encoding: "utf8", timeout: 20_000 });
    return { status, stderr };
  };
  t.match(run("--name", "p0"), { status: 2, stderr: "lab-agent: configuration: controller is not set; give --controller or see --help\n" });
  t.match(run("--nmae", "p0"), { status: 2, stderr: /unknown option --nmae/ });
  await writeFile(file, JSON.stringify({ name: "p0", keepJobs: -1, colour: "red", logLevel: "loud" }));
  const refused = run("--config", file);
  t.equal(refused.status, 2);
  for (const key of ["keepJobs", "colour", "logLevel"]) t.match(refused.stderr, key, "all problems at once");
  t.match(run("--name", "p0", "--controller", "127.0.0.1:1", "--state", join(directory, "state"), "--log-level", "silent"), {
    status: 1,
    stderr: /^lab-agent: agent p0: has no certificate in .* and no join token; make one with: lab token agent p0\n$/,
  });
  t.match(
    execFileSync(process.execPath, [agentPrograms.module, "--help"], { encoding: "utf8" }),
    /--join-token-file\n.*\n.*LABD_JOIN_TOKEN_FILE/,
  );
});
