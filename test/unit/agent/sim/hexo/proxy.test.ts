import { readdirSync, statSync } from "node:fs";
import t from "tap";
import { Application, carry, checkpointName, iterations, states } from "../../../../support/hexo-sim/application.js";
import { hexoPair } from "../../../../support/hexo-sim/pair.js";
import { until } from "../../../../support/host/processes.js";

t.test("a program runs to its end: ten iterations, verification, exit code 0, and no word of uhyve", async (t) => {
  const pair = await hexoPair(t);
  const application = await Application.build(pair);
  const cwd = await application.workplace(pair.x86);
  const run = application.start(pair.x86, cwd);
  t.same(await run.ended, { exitCode: 0 });
  t.same(iterations(run.stdout), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  t.match(run.stdout, / Verification {4}= +SUCCESSFUL\n/);
  t.notMatch(run.stdout, "Uhyve");
  t.same(states(pair.x86, cwd), ["READY_FOR_MIGRATION", "NOT_RUNNING", "---"]);
  t.match(pair.x86.read(`${cwd}/.memory`), /^\d+\.\d{6}:1048576\n/);
  t.notOk(pair.x86.exists(`${cwd}/.lock`));
});

t.test("class S prints no iterations, as NPB's does", async (t) => {
  const pair = await hexoPair(t);
  const application = await Application.build(pair, { problemClass: "S" });
  const run = application.start(pair.x86, await application.workplace(pair.x86));
  await run.ended;
  t.same(iterations(run.stdout), []);
  t.match(run.stdout, /Class {11}= +S\n[^]*SUCCESSFUL/);
});

t.test("MIGTEST writes a full checkpoint, mdata.bin last, and the board goes on with the next iteration", async (t) => {
  const pair = await hexoPair(t);
  const application = await Application.build(pair);
  const [here, there] = [await application.workplace(pair.x86), await application.workplace(pair.board)];
  const source = application.start(pair.x86, here, { migtest: 8 });
  t.same(await source.ended, { exitCode: 0 });
  t.match(source.stdout, /Uhyve: exiting\n$/);
  t.same(states(pair.x86, here), ["READY_FOR_MIGRATION", "CHECKPOINTING", "NOT_RUNNING", "---"]);
  const files = readdirSync(pair.x86.host(here)).filter((name) => checkpointName.test(name));
  t.same(files.sort(), ["bss.bin", "data.bin", "fds.bin", "heap.bin", "mdata.bin", "stack.bin.0", "tls.bin.0"]);
  const modified = (name: string) => statSync(pair.x86.host(`${here}/${name}`)).mtimeMs;
  for (const name of files) t.ok(modified("mdata.bin") >= modified(name), `${name} before mdata.bin`);
  carry(pair.x86, here, pair.board, there);
  const target = application.start(pair.board, there, { resume: true });
  t.same(await target.ended, { exitCode: 0 });
  const before = iterations(source.stdout);
  t.ok(before.length > 0 && before.length < 10, `${before.length} iterations before`);
  t.same([...before, ...iterations(target.stdout)], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  t.match(target.stdout, / Verification {4}= +SUCCESSFUL\n/);
  t.same(states(pair.board, there), ["RESTORING_CHKPT", "READY_FOR_MIGRATION", "NOT_RUNNING", "---"]);
});

t.test("MIGTEST later than the end: exit code 0 too, and no checkpoint", async (t) => {
  const pair = await hexoPair(t);
  const application = await Application.build(pair, { problemClass: "A" });
  const cwd = await application.workplace(pair.x86);
  const run = application.start(pair.x86, cwd, { migtest: 60 });
  t.same(await run.ended, { exitCode: 0 });
  t.same(states(pair.x86, cwd), ["READY_FOR_MIGRATION", "NOT_RUNNING", "---"]);
  t.notOk(pair.x86.exists(`${cwd}/mdata.bin`));
});

t.test("SIGUSR1 before the handler is there kills; at READY it asks for a migration", async (t) => {
  const pair = await hexoPair(t);
  const application = await Application.build(pair);
  const early = application.start(pair.x86, await application.workplace(pair.x86));
  early.signal("SIGUSR1");
  t.same(await early.ended, { signal: "SIGUSR1" });

  const cwd = await application.workplace(pair.x86);
  const run = application.start(pair.x86, cwd);
  await until(() => states(pair.x86, cwd).includes("READY_FOR_MIGRATION"), "READY");
  run.signal("SIGUSR1");
  t.same(await run.ended, { exitCode: 0 });
  t.match(run.stdout, /Uhyve: exiting\n$/);
});

t.test("a program without a migration point never migrates", async (t) => {
  const pair = await hexoPair(t);
  for (const [app, cflags, migrates] of [
    ["hello", undefined, false],
    ["whetstone", undefined, false],
    ["whetstone", "-finstrument-functions", true],
  ] as const) {
    if (app === "whetstone") await pair.x86.run("make", ["clean"], { cwd: `/root/popcorn-compiler/apps/${app}` });
    const application = await Application.build(pair, { app, ...(cflags === undefined ? {} : { cflags }) });
    const cwd = await application.workplace(pair.x86);
    const run = application.start(pair.x86, cwd, { migtest: 2 });
    t.same(await run.ended, { exitCode: 0 });
    t.equal(states(pair.x86, cwd).includes("CHECKPOINTING"), migrates, `${app} ${cflags ?? ""}`);
  }
});

t.test("a second proxy in the directory waits without a word, for a lock a killed one left too", async (t) => {
  const pair = await hexoPair(t);
  const application = await Application.build(pair);
  const cwd = await application.workplace(pair.x86);
  const first = application.start(pair.x86, cwd);
  await until(() => states(pair.x86, cwd).includes("READY_FOR_MIGRATION"), "READY");
  const second = application.start(pair.x86, cwd);
  first.signal("SIGKILL");
  t.same(await first.ended, { signal: "SIGKILL" });
  await new Promise((resolve) => setImmediate(resolve));
  t.ok(second.running);
  t.same([second.stdout, second.stderr], ["", ""]);
  t.same(states(pair.x86, cwd), ["READY_FOR_MIGRATION"]);
  second.signal("SIGKILL");
  await second.ended;
});

t.test("without /dev/kvm to read and write: one line, exit code 1, no status", async (t) => {
  for (const fault of ["kvm-absent", "kvm-denied"] as const) {
    const pair = await hexoPair(t, { x86: [fault] });
    const application = await Application.build(pair);
    const cwd = await application.workplace(pair.x86);
    const run = application.start(pair.x86, cwd);
    t.same(await run.ended, { exitCode: 1 });
    t.equal(run.stderr, "proxy: Could not open: /dev/kvm\n");
    t.same(states(pair.x86, cwd), []);
  }
});

t.test("a board with 2 GB cannot take MEM=2G", async (t) => {
  const pair = await hexoPair(t);
  const application = await Application.build(pair);
  pair.board.write("/proc/meminfo", "MemTotal: 2097152 kB\nMemAvailable: 1900000 kB\n");
  const run = application.start(pair.board, await application.workplace(pair.board), { mem: "2G" });
  t.same(await run.ended, { exitCode: 1 });
  t.match(run.stderr, "Cannot allocate memory");
});

t.test("the other architecture's program and proxy do not start", async (t) => {
  const pair = await hexoPair(t);
  const application = await Application.build(pair);
  const cwd = await application.workplace(pair.x86);
  const foreign = pair.x86.start("/root/hermit-popcorn/x86_64-host/bin/proxy", ["prog_aarch64_aligned"], {
    cwd,
    env: { HERMIT_ISLE: "uhyve" },
  });
  t.same(await foreign.ended, { exitCode: 1 });
  t.match(foreign.stderr, "Invalid ELF file");
  const proxy = pair.x86.start("/root/hermit-popcorn/aarch64-hermit/bin/proxy", ["prog_aarch64_aligned"], { cwd });
  t.same(await proxy.ended, { exitCode: 126 });
  t.match(proxy.stderr, "Exec format error");
});

t.test("programs that are not aligned, or of two builds, cannot migrate: the guest dies with exit code 0", async (t) => {
  const pair = await hexoPair(t, { x86: ["misaligned"] });
  const application = await Application.build(pair);
  const cwd = await application.workplace(pair.x86);
  const run = application.start(pair.x86, cwd, { migtest: 5 });
  t.same(await run.ended, { exitCode: 0 });
  t.match(run.stderr, /MIGERR[^]*Guest has halted the CPU/);
  t.notMatch(run.stdout, "Uhyve: exiting");
  t.notOk(pair.x86.exists(`${cwd}/mdata.bin`));
});

t.test("never-ready: no .status, no word", async (t) => {
  const pair = await hexoPair(t, { x86: ["never-ready"] });
  const application = await Application.build(pair);
  const cwd = await application.workplace(pair.x86);
  const run = application.start(pair.x86, cwd);
  await until(() => pair.x86.exists(`${cwd}/.lock`), "the proxy");
  t.notOk(pair.x86.exists(`${cwd}/.status`));
  run.signal("SIGTERM");
  t.same(await run.ended, { signal: "SIGTERM" });
  t.same([run.stdout, run.stderr], ["", ""]);
});
