import { readFileSync, statSync } from "node:fs";
import t from "tap";
import { Application, carry, iterations, states } from "../../../../support/hexo-sim/application.js";
import { hexoPair } from "../../../../support/hexo-sim/pair.js";
import { until } from "../../../../support/host/processes.js";

t.test("a leftover checkpoint/chk_config.txt restarts from that old checkpoint", async (t) => {
  const pair = await hexoPair(t);
  const application = await Application.build(pair);
  const cwd = await application.workplace(pair.x86);
  await application.start(pair.x86, cwd, { migtest: 12 }).ended;
  await pair.x86.run("mkdir", ["-p", `${cwd}/checkpoint`]);
  carry(pair.x86, cwd, pair.x86, `${cwd}/checkpoint`);
  pair.x86.write(`${cwd}/checkpoint/chk_config.txt`, "application: is\n");
  const again = application.start(pair.x86, cwd);
  await again.ended;
  t.ok((iterations(again.stdout)[0] ?? 1) > 1, "it does not begin at 1");
  t.ok(states(pair.x86, cwd).includes("RESTORING_CHKPT"));
});

t.test("files that are missing, of the wrong size or of another build: Cannot restore, and the guest halts with exit code 0", async (t) => {
  const pair = await hexoPair(t);
  const application = await Application.build(pair);
  const cwd = await application.workplace(pair.x86);
  await application.start(pair.x86, cwd, { migtest: 9 }).ended;
  for (const [name, contents] of [
    ["heap.bin", "short"],
    ["mdata.bin", "{}"],
    ["fds.bin", undefined],
  ] as const) {
    const there = await application.workplace(pair.board);
    carry(pair.x86, cwd, pair.board, there);
    if (contents === undefined) await pair.board.run("rm", [`${there}/${name}`]);
    else pair.board.write(`${there}/${name}`, contents);
    const run = application.start(pair.board, there, { resume: true });
    t.same(await run.ended, { exitCode: 0 });
    t.match(run.stderr, new RegExp(`Cannot restore ${name}[^]*Guest has halted the CPU`));
  }
});

t.test("files of two checkpoints, each whole, are taken, and the result is wrong", async (t) => {
  const pair = await hexoPair(t);
  const application = await Application.build(pair);
  const [early, late] = [await application.workplace(pair.x86), await application.workplace(pair.x86)];
  await application.start(pair.x86, early, { migtest: 6 }).ended;
  await application.start(pair.x86, late, { migtest: 20 }).ended;
  const there = await application.workplace(pair.board);
  carry(pair.x86, late, pair.board, there);
  for (const name of ["heap.bin", "data.bin", "stack.bin.0"]) {
    const mixed = await application.workplace(pair.board);
    carry(pair.board, there, pair.board, mixed);
    pair.board.write(`${mixed}/${name}`, readFileSync(pair.x86.host(`${early}/${name}`)));
    const run = application.start(pair.board, mixed, { resume: true });
    t.same(await run.ended, { exitCode: 0 });
    t.match(run.stdout, /UNSUCCESSFUL/, name);
  }
});

t.test("what it can do wrong when told so", async (t) => {
  for (const [fault, sign] of [
    ["finish-early", /SUCCESSFUL/],
    ["no-migration-point", /SUCCESSFUL/],
    ["verification-fails", /Uhyve: exiting/],
  ] as const) {
    const pair = await hexoPair(t, { x86: [fault] });
    const application = await Application.build(pair);
    const cwd = await application.workplace(pair.x86);
    const run = application.start(pair.x86, cwd, { migtest: 5 });
    t.same(await run.ended, { exitCode: 0 });
    t.match(run.stdout, sign, fault);
    t.equal(states(pair.x86, cwd).includes("CHECKPOINTING"), fault === "verification-fails", fault);
  }
  const halting = await hexoPair(t, { x86: ["guest-halts"] });
  const application = await Application.build(halting);
  const run = application.start(halting.x86, await application.workplace(halting.x86));
  t.same(await run.ended, { exitCode: 0 });
  t.match(run.stderr, "Guest has halted the CPU");
});

t.test("mdata-early and slow-checkpoint: the checkpoint is not of one piece, or long incomplete", async (t) => {
  const pair = await hexoPair(t, { x86: ["mdata-early", "slow-checkpoint"] });
  const application = await Application.build(pair);
  const cwd = await application.workplace(pair.x86);
  const run = application.start(pair.x86, cwd, { migtest: 5 });
  await until(() => pair.x86.exists(`${cwd}/mdata.bin`), "mdata.bin");
  t.notOk(pair.x86.exists(`${cwd}/heap.bin`), "mdata.bin alone");
  await run.ended;
  const modified = (name: string) => statSync(pair.x86.host(`${cwd}/${name}`)).mtimeMs;
  t.ok(modified("mdata.bin") < modified("heap.bin"));
});

t.test("restart-at-one: it says that it has restored, and begins anew", async (t) => {
  const pair = await hexoPair(t, { board: ["restart-at-one"] });
  const application = await Application.build(pair);
  const [here, there] = [await application.workplace(pair.x86), await application.workplace(pair.board)];
  await application.start(pair.x86, here, { migtest: 9 }).ended;
  carry(pair.x86, here, pair.board, there);
  const run = application.start(pair.board, there, { resume: true });
  await run.ended;
  t.equal(iterations(run.stdout)[0], 1);
  t.equal(states(pair.board, there)[0], "RESTORING_CHKPT");
});
