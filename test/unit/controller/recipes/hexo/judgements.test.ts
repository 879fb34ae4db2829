/** What proxies, their .status and the tools of both machines say, judged as the facts sheet tells. */
import t from "tap";
import type { FactsSeen, Verdict } from "../../../../../controller/deploy/recipe.js";
import * as tools from "../../../../../controller/recipes/hexo/node-tools.js";
import { applicationSigns } from "../../../../../controller/recipes/hexo/parameters.js";
import { reportPhases } from "../../../../../controller/recipes/hexo/phase-times.js";
import * as output from "../../../../../controller/recipes/hexo/proxy-output.js";
import { readStatus } from "../../../../../controller/recipes/hexo/status-file.js";
import { judgeAskable, judgeStopped } from "../../../../../controller/recipes/hexo/steps/migrate.js";
import { judgeReady } from "../../../../../controller/recipes/hexo/steps/start.js";
import * as toolchain from "../../../../../controller/recipes/hexo/toolchain.js";
import { ended, endedJob, runningJob } from "../../../../support/recipe/hexo-pair.js";

const status = (...states: readonly string[]) => states.map((state, index) => `157300000${index}.123456:STATUS_${state}\n`).join("");
const ready = status("READY_FOR_MIGRATION");
const start = { resume: false, migtest: 5, server: undefined };
const resume = { resume: true, migtest: 0, server: undefined };
const pull = { ...resume, server: "10.0.0.10" };

function mayCome(verdict: Verdict): boolean {
  return !verdict.ok && verdict.final !== true;
}

t.test(".status is read in order, since the start; the dashes of an end are none", async (t) => {
  t.match(readStatus(`${status("READY_FOR_MIGRATION", "NOT_RUNNING")}---\n`), [
    { state: "READY_FOR_MIGRATION", atMs: 1_573_000_000_123.456 },
    { state: "NOT_RUNNING" },
  ]);
  t.same(readStatus(ready, 1_573_000_000_124), [], "what an earlier proxy has said does not count");
});

t.test("ready: the application says so itself", async (t) => {
  t.match(judgeReady(ready, 0, start, 1_573_000_000_000), {
    ok: true,
    outputs: { readyMs: 1_573_000_000_123.456, startedMs: 1_573_000_000_000 },
  });
  t.match(judgeReady(undefined, 0, start, 0), { ok: false, reason: /no \.status: .*\.lock waits without a word/ });
  t.ok(mayCome(judgeReady(undefined, 0, start, 0)));
  t.ok(mayCome(judgeReady(ready, 2e12, start, 0)), "an older line is no proof");
});

t.test("a start that restores, or a resumption that does not, is caught at once", async (t) => {
  t.match(judgeReady(status("RESTORING_CHKPT", "READY_FOR_MIGRATION"), 0, start, 0), {
    final: true,
    reason: /an old checkpoint in its directory/,
  });
  t.match(judgeReady(ready, 0, resume, 0), { final: true, reason: /has begun anew, without the files/ });
  t.match(judgeReady(status("RESTORING_CHKPT", "READY_FOR_MIGRATION"), 0, resume, 0), { ok: true });
  t.match(judgeReady(status("RESTORING_CHKPT", "PULLING_PAGES"), 0, pull, 0), { ok: true });
  t.ok(mayCome(judgeReady(status("RESTORING_CHKPT"), 0, resume, 0)));
});

t.test("SIGUSR1 may be sent at READY_FOR_MIGRATION only, which .status must say last", async (t) => {
  t.match(judgeAskable(ready, 0, 42), { ok: true, outputs: { requestedMs: 42 } });
  t.match(judgeAskable("", 0, 42), {
    final: true,
    reason: /says nothing: SIGUSR1 is safe only at READY_FOR_MIGRATION, else it kills the proxy/,
  });
  t.match(judgeAskable(status("RESTORING_CHKPT", "PULLING_PAGES"), 0, 42), { final: true, reason: /PULLING_PAGES/ });
  t.match(judgeAskable(status("READY_FOR_MIGRATION", "NOT_RUNNING"), 0, 42), { final: true, reason: /ended before it could be asked/ });
});

t.test("stopped: CHECKPOINTING and then the end; an end without it is a program that had finished", async (t) => {
  const done = status("READY_FOR_MIGRATION", "CHECKPOINTING", "NOT_RUNNING");
  t.match(judgeStopped(done, 0, "NOT_RUNNING"), {
    ok: true,
    outputs: { checkpointingMs: 1_573_000_001_123.456, stoppedMs: 1_573_000_002_123.456 },
  });
  t.match(judgeStopped(status("READY_FOR_MIGRATION", "NOT_RUNNING"), 0, "NOT_RUNNING"), {
    final: true,
    reason: /finished before it was asked to migrate; a smaller migtest or a bigger class/,
  });
  t.ok(mayCome(judgeStopped(ready, 0, "NOT_RUNNING")));
  t.ok(mayCome(judgeStopped(status("READY_FOR_MIGRATION", "CHECKPOINTING"), 0, "SERVING_REMOTE_PAGES")));
  t.match(judgeStopped(done, 0, "SERVING_REMOTE_PAGES"), { final: true, reason: /its memory is lost/ });
  t.match(judgeStopped(status("CHECKPOINTING", "SERVING_REMOTE_PAGES"), 0, "SERVING_REMOTE_PAGES"), { ok: true });
});

t.test("a proxy that has failed says why", async (t) => {
  for (const [line, meaning] of [
    ["proxy: Could not open: /dev/kvm", /may not read and write \/dev\/kvm: load kvm/],
    ["MIGERR: cannot translate the stack", /migration has failed/],
    ["proxy: Cannot restore heap.bin", /FULL_CHKPT_SAVE and FULL_CHKPT_RESTORE must be the same/],
    ["Page receive failed: Connection reset by peer", /the source alive and without another client/],
    ["Page request send failed.", /numeric IPv4 address, PORT open, the source alive and without another client/],
    ["proxy: Cannot open/create status file", /may not write into its working directory/],
  ] as const) {
    t.match(output.judgeNotFailed(endedJob("", { exitCode: 1, stderr: `${line}\n` })), { final: true, reason: meaning, lines: [line] });
    t.match(output.judgeNotFailed({ ...runningJob(""), stderr: `${line}\n` }), { final: true }, "also while it runs");
  }
  t.match(output.judgeNotFailed(endedJob("", { exitCode: undefined, state: "signalled", signal: "SIGUSR1" })), {
    final: true,
    reason: /SIGUSR1 has killed the proxy: it came before the proxy could take it/,
  });
  t.match(output.judgeNotFailed(endedJob("x\n", { exitCode: 3 })), { final: true, reason: /exit code 3/, lines: ["x"] });
  t.match(output.judgeNotFailed(endedJob("Guest has halted the CPU\n")), { final: true, reason: /guest is dead/ });
  t.match(output.judgeNotFailed(endedJob("     1\n", { stderr: "Guest has halted the CPU, this is considered as a normal exit.\n" })), {
    final: true,
    reason: /guest is dead/,
  });
  const both = "Page receive failed: Connection reset by peer\nGuest has halted the CPU, this is considered as a normal exit.\n";
  t.match(output.judgeNotFailed(endedJob("", { stderr: both })), { reason: /cannot get pages/ }, "the cause before what came of it");
  t.match(output.judgeNotFailed(runningJob("     1\n")), { ok: true });
});

t.test("exit code 0 is no checkpoint: Uhyve: exiting is what tells", async (t) => {
  t.match(output.judgeCheckpointed(endedJob("     5\nUhyve: exiting\n")), { ok: true, lines: ["Uhyve: exiting"] });
  t.match(output.judgeCheckpointed(endedJob("    10\n Verification    =               SUCCESSFUL\n")), {
    final: true,
    reason: /ended without a checkpoint \(exit code 0 says nothing\)/,
  });
  t.match(output.judgeCheckpointed(endedJob("     2\nGuest has halted the CPU\n")), { final: true });
  t.match(output.judgeCheckpointed(runningJob("     5\n")), { ok: false, reason: /without migration points never stops/ });
  t.ok(mayCome(output.judgeCheckpointed(runningJob("     5\n"))));
});

t.test("a post-copy source has done its duty when everything was served and it has ended", async (t) => {
  const served =
    "Remote page server listenning on port 5050...\nClient connected!\nFull remote memory served\nClosing Server\nUhyve: exiting\n";
  t.match(output.judgeServed(endedJob(served)), { ok: true, lines: ["Full remote memory served"] });
  t.ok(mayCome(output.judgeServed(runningJob("Client connected!\n"))));
  t.ok(mayCome(output.judgeServed(runningJob("Full remote memory served\n"))));
  t.match(output.judgeServed(endedJob("Client connected!\nClient exited\nClosing Server\nUhyve: exiting\n")), {
    final: true,
    reason: /its one client went away first, or was not the board/,
  });
  t.match(output.judgeServed(endedJob("Uhyve: exiting\n")), { final: true }, "nobody came");
});

const { iterations, success } = applicationSigns({ app: "apps/npb-is", class: undefined, iterations: undefined, success: undefined });

t.test("NPB's iterations are read as its programs print them, and nothing else", async (t) => {
  for (const [line, number] of [
    ["        6", 6],
    [" Time step   20", 20],
    ["  iter    3", 3],
    [" T =    2     Checksum =    5.114047905510D+02    5.113823166730D+02", 2],
    ["        4        0.1234E-13    22.712745482631", 4],
  ] as const)
    t.same(output.iterationsIn(`${line}\n`, iterations), [number], line);
  t.same(output.iterationsIn(" Size:  33554432  (class B)\n Iterations:   10\n\n   iteration\n Uhyve: exiting\n 3.14\n", iterations), []);
});

t.test("a resumed application goes on at the next iteration; the first again means that it has begun anew", async (t) => {
  const before = { last: 5, stride: 1 };
  t.match(output.judgeProgress("     6\n     7\n", iterations, before), {
    ok: true,
    lines: ["iterations 6 to 7, after 5"],
    outputs: { lastIteration: 7, stride: 1 },
  });
  t.match(output.judgeProgress("     1\n     2\n", iterations, before), {
    final: true,
    reason: /iteration 1 again, 5 was done: it has not resumed but begun anew/,
  });
  t.match(output.judgeProgress("     5\n     6\n", iterations, before), { final: true, reason: /iteration 5 again/ });
  t.match(output.judgeProgress("     7\n", iterations, before), { final: true, reason: /iteration 7 follows 5: some are missing/ });
  t.match(output.judgeProgress(" Time step   40\n", iterations, { last: 20, stride: 19 }), { ok: true });
  t.match(output.judgeProgress("", iterations, before), { ok: true, outputs: { lastIteration: 5, stride: 1 } }, "none in between");
});

t.test("a checkpoint before the first iteration proves nothing later, unless the application counts none", async (t) => {
  t.match(output.judgeProgress("NAS Parallel Benchmarks\n", iterations, undefined), { final: true, reason: /a greater migtest/ });
  t.match(output.judgeProgress("NAS Parallel Benchmarks\n", undefined, undefined), { ok: true });
});

t.test("the end: exit code 0 says nothing, the verification line does", async (t) => {
  const right = "    10\n IS Benchmark Completed\n Verification    =               SUCCESSFUL\n";
  t.match(output.judgeFinished(endedJob(right), success), { ok: true, lines: [/SUCCESSFUL/] });
  t.match(output.judgeFinished(endedJob(right.replace("  SUCCESSFUL", "UNSUCCESSFUL")), success), {
    final: true,
    reason: /exit code 0, which says nothing/,
  });
  t.match(output.judgeFinished(endedJob("    10\n"), success), { final: true });
  t.ok(mayCome(output.judgeFinished(runningJob(right), success)));
  t.match(
    output.judgeFinished(endedJob(right, { stderr: "Guest has halted the CPU\n" }), success),
    { ok: true },
    "the result is what counts",
  );
  t.match(output.judgeFinished(endedJob("Guest has halted the CPU\n"), undefined), { final: true, reason: /as a dead one does/ });
  t.match(output.judgeFinished(endedJob("hello\n"), undefined), { ok: true });
});

t.test("/dev/kvm must open for reading and writing", async (t) => {
  t.match(tools.judgeKvm(ended("", { stderr: "0+0 records in\n" })), { ok: true });
  t.match(tools.judgeKvm(ended("", { exitCode: 1, stderr: "dd: failed to open '/dev/kvm': Permission denied\n" })), {
    final: true,
    reason: /put the user into the device's group/,
    lines: [/Permission denied/],
  });
});

t.test("another proxy is named, never ended", async (t) => {
  t.match(tools.judgeNoProxy(ended("", { exitCode: 1 })), { ok: true });
  t.match(tools.judgeNoProxy(ended("812 ./proxy prog\n")), {
    final: true,
    reason: /others are their owners' to end/,
    lines: ["812 ./proxy prog"],
  });
  t.match(tools.judgeNoProxy(ended("", { exitCode: 127 })), { final: true, reason: /cannot be listed/ });
  t.match(tools.judgeNoProxyOfOurs(ended("812 ./proxy prog\n"), "/d"), { ok: true }, "somebody else's");
  t.ok(mayCome(tools.judgeNoProxyOfOurs(ended("812 proxy /d/r/0/prog_x86-64_aligned\n"), "/d")));
});

t.test("the board must answer without a password, and be a board", async (t) => {
  t.match(tools.judgeLogin(ended("aarch64\n")), { ok: true });
  t.match(tools.judgeLogin(ended("x86_64\n")), { final: true, reason: /"x86_64", not an aarch64 board/ });
  t.match(tools.judgeLogin(ended("", { exitCode: 255, stderr: "Permission denied (publickey,password).\n" })), {
    final: true,
    reason: /exit code 255\): ssh-copy-id/,
  });
});

t.test("the page server's port must be free and its machine reachable", async (t) => {
  const line = "LISTEN 0 1 0.0.0.0:5050 0.0.0.0:*";
  t.match(tools.judgePortFree(ended(`${line}\nLISTEN 0 128 [::]:22 [::]:*\n`), 5050), { final: true, lines: [line] });
  t.match(tools.judgePortFree(ended("LISTEN 0 128 0.0.0.0:15050 0.0.0.0:*\n"), 5050), { ok: true });
  t.match(tools.judgePortFree(ended("", { exitCode: 127 }), 5050), { final: true });
  t.match(tools.judgeReachable(ended("1 packets transmitted, 1 received\n"), "10.0.0.10"), { ok: true });
  t.match(tools.judgeReachable(ended("1 packets transmitted, 0 received\n", { exitCode: 1 }), "10.0.0.10"), {
    final: true,
    reason: /10\.0\.0\.10 does not answer/,
  });
});

const facts: FactsSeen = {
  kernel: "Linux",
  kernelRelease: "4.19.0",
  arch: "aarch64",
  bootId: "b1",
  uptimeS: 100,
  cpuCount: 4,
  cpuModel: "Cortex-A53",
  memoryBytes: 2 * 2 ** 30,
  memoryAvailableBytes: 1.8 * 2 ** 30,
  disks: [
    { mount: "/", sizeBytes: 2 ** 34, freeBytes: 2 ** 33 },
    { mount: "/var", sizeBytes: 2 ** 30, freeBytes: 2 ** 29 },
  ],
  modules: [],
  commandLine: "",
};

t.test("a board of 2 GB cannot take 2G, and a checkpoint needs room where it is written", async (t) => {
  const needs = { arch: "aarch64", memoryBytes: 2 ** 30, diskBytes: 2 ** 30, directory: "/home/user/labd" };
  t.match(tools.judgeFacts(facts, needs), { ok: true });
  t.match(tools.judgeFacts(facts, { ...needs, memoryBytes: 2 ** 31 }), {
    final: true,
    reason: /1843 MiB of memory are free, the unikernel needs 2048 MiB: a smaller mem/,
  });
  t.match(tools.judgeFacts(facts, { ...needs, directory: "/var/tmp/labd" }), {
    final: true,
    reason: /512 MiB are free in \/var, a checkpoint may need 1024 MiB/,
  });
  t.match(tools.judgeFacts({ ...facts, arch: "x86_64" }, needs), { final: true, reason: /it is x86_64/ });
});

t.test("a toolchain is complete when every file is there, on both sides, and none is empty", async (t) => {
  const paths = toolchain.toolchainFiles.map((file) => `/t/${file}`);
  const found = paths.map((path) => `f 10 ${path}\n`).join("");
  t.equal(paths.length, 19);
  t.match(toolchain.judgePresence(ended(found), paths, "install it"), { ok: true });
  for (const path of paths)
    t.match(toolchain.judgePresence(ended(found.replace(`f 10 ${path}\n`, "")), paths, "install it"), {
      final: true,
      reason: `${path} is not there: install it`,
    });
  t.match(toolchain.judgePresence(ended(found.replace("f 10", "f 0")), paths, "install it"), { final: true, reason: /clang is empty/ });
});

t.test("the installer gets what it needs: Python 2, a compiler whose version it can read, its options", async (t) => {
  t.match(toolchain.judgePython(ended("", { stderr: "Python 2.7.13\n" })), { ok: true });
  t.match(toolchain.judgePython(ended("Python 3.11.2\n")), { final: true, reason: /needs Python 2; this is Python 3\.11\.2/ });
  t.match(toolchain.judgeCompiler(ended("6.3.0\n")), { ok: true });
  t.match(toolchain.judgeCompiler(ended("12\n")), { final: true, reason: /only versions of three numbers: use Debian 9/ });
  t.match(toolchain.judgeCompiler(ended("4.7.2\n")), { final: true, reason: /older than 4\.8/ });
});

t.test("each phase of each migration has its time and its bytes, legs in order", async (t) => {
  const copy = (startedMs: number, endedMs: number, bytes: number) => ({ startedMs, endedMs, bytes });
  const [report] = reportPhases({
    "ready/x0/2": { startedMs: 100_000, readyMs: 101_250 },
    "ready/x0/0": { startedMs: 1000, readyMs: 1100 },
    "ready/potato0/1": { startedMs: 50_000, readyMs: 53_000 },
    "stop/x0/1": { requestedMs: 6000, stoppedMs: 7500, bytes: 300 },
    "transfer/x0/1": { "heap.bin": copy(8000, 10_000, 200), "mdata.bin": copy(10_100, 10_500, 100) },
  });
  t.match(report, {
    kind: "table",
    columns: ["leg", "phase", "seconds", "bytes"],
    rows: [
      [1, "stop", 1.5, 300],
      [1, "transfer", 2.5, 300],
      [1, "resume", 3, ""],
      [2, "resume", 1.25, ""],
    ],
  });
  t.same(reportPhases({ "check/x0": {} }), []);
});
