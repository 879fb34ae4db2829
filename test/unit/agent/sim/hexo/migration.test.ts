import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { once } from "node:events";
import t from "tap";
import type { Guest } from "../../../../../agent/sim/hexo/guest.js";
import { IntegerSort } from "../../../../../agent/sim/hexo/integer-sort.js";
import { restoreGuest, saveGuest } from "../../../../../agent/sim/hexo/checkpoint-files.js";
import type { Program } from "../../../../../agent/sim/hexo/program-file.js";
import { Application, carry, freePort, iterations, states } from "../../../../support/hexo-sim/application.js";
import { hexoPair } from "../../../../support/hexo-sim/pair.js";
import { seeded } from "../../../../support/capture/random.js";
import { until } from "../../../../support/host/processes.js";
import { scratchDirectory } from "../../../../support/host/scratch.js";

const program: Program = { app: "is", problemClass: "A", source: "0123", architecture: "x86_64", aligned: true, instrumented: false };

function runToEnd(guest: Guest): string {
  let output = "";
  for (;;) {
    const step = guest.step();
    output += step.output ?? "";
    if (step.exitCode !== undefined) return output;
  }
}

function digest(guest: Guest): string {
  const hash = createHash("sha256");
  for (const region of Object.values(guest.memory)) hash.update(region);
  return hash.digest("hex");
}

t.test("interrupted anywhere, any number of times, it computes what it computes without", async (t) => {
  const whole = new IntegerSort("A");
  const output = runToEnd(whole);
  t.match(output, "SUCCESSFUL");
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    const random = seeded(seed);
    const directories = [await scratchDirectory(t), await scratchDirectory(t)];
    let guest = new IntegerSort("A");
    let seen = "";
    let stays = 0;
    for (let ended = false, place = 0; !ended; place = 1 - place) {
      for (let steps = 1 + Math.floor(random() * 12); steps > 0 && !ended; steps -= 1) {
        const step = guest.step();
        seen += step.output ?? "";
        ended = step.exitCode !== undefined;
      }
      if (ended) break;
      const directory = directories[place] ?? "";
      await saveGuest(directory, { program, guest, full: true, pause: () => Promise.resolve(), metadataFirst: false });
      guest = new IntegerSort("A");
      t.equal(restoreGuest(directory, program, guest, true), undefined);
      stays += 1;
    }
    t.equal(seen, output, `seed ${seed}: ${stays} migrations`);
    t.equal(digest(guest), digest(whole));
  }
});

t.test("ping-pong by real checkpoints between two machines", async (t) => {
  const pair = await hexoPair(t);
  const application = await Application.build(pair);
  let output = "";
  let [machine, cwd] = [pair.x86, await application.workplace(pair.x86)];
  for (let leg = 0; leg < 4; leg += 1) {
    const run = application.start(machine, cwd, { resume: leg > 0, migtest: leg < 3 ? 6 : 0 });
    t.same(await run.ended, { exitCode: 0 });
    output += run.stdout.replace("Uhyve: exiting\n", "");
    if (leg === 3) break;
    const next = machine === pair.x86 ? pair.board : pair.x86;
    const there = await application.workplace(next);
    carry(machine, cwd, next, there);
    [machine, cwd] = [next, there];
  }
  const whole = application.start(pair.x86, await application.workplace(pair.x86));
  await whole.ended;
  t.equal(output, whole.stdout);
});

t.test("post-copy: the source keeps heap, bss and data, and lives until the board has pulled them", async (t) => {
  const pair = await hexoPair(t);
  const application = await Application.build(pair);
  const port = await freePort();
  const [here, there] = [await application.workplace(pair.x86), await application.workplace(pair.board)];
  const source = application.start(pair.x86, here, { migtest: 8, full: false, port });
  await until(() => source.stdout.includes("listenning"), "the page server");
  t.ok(source.running);
  t.match(source.stdout, `Uhyve: switching to server mode\nRemote page server listenning on port ${port}...\n`);
  t.same(states(pair.x86, here), ["READY_FOR_MIGRATION", "CHECKPOINTING", "SERVING_REMOTE_PAGES"]);
  for (const name of ["heap.bin", "bss.bin", "data.bin"]) t.notOk(pair.x86.exists(`${here}/${name}`), name);
  carry(pair.x86, here, pair.board, there);
  const target = application.start(pair.board, there, { resume: true, full: false, port, server: "127.0.0.1" });
  t.same(await target.ended, { exitCode: 0 });
  t.same(await source.ended, { exitCode: 0 });
  t.match(source.stdout, /Client connected!\nFull remote memory served\nClosing Server\nUhyve: exiting\n$/);
  t.same([...iterations(source.stdout), ...iterations(target.stdout)], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  t.match(target.stdout, /= +SUCCESSFUL/);
  t.same(states(pair.board, there), ["RESTORING_CHKPT", "PULLING_PAGES", "NOT_RUNNING", "---"]);
});

t.test("post-copy: one client only, whoever it is; the board is then refused, and the program is lost", async (t) => {
  const pair = await hexoPair(t);
  const application = await Application.build(pair);
  const port = await freePort();
  const [here, there] = [await application.workplace(pair.x86), await application.workplace(pair.board)];
  const source = application.start(pair.x86, here, { migtest: 8, full: false, port });
  await until(() => source.stdout.includes("listenning"), "the page server");
  carry(pair.x86, here, pair.board, there);
  const stranger = connect(port, "127.0.0.1");
  await once(stranger, "connect");
  await until(() => source.stdout.includes("Client connected!"), "its client");
  const target = application.start(pair.board, there, { resume: true, full: false, port, server: "127.0.0.1" });
  t.same(await target.ended, { exitCode: 1 });
  t.match(target.stderr, /^Connection Failed: Connection refused\n[^]*Page request send failed\./);
  stranger.destroy();
  t.same(await source.ended, { exitCode: 0 });
  t.match(source.stdout, /Client exited\nClosing Server\nUhyve: exiting\n$/);
});

t.test("post-copy: SERVER must be a numeric address; anything else is an error that strikes later", async (t) => {
  const pair = await hexoPair(t);
  const application = await Application.build(pair);
  const [here, there] = [await application.workplace(pair.x86), await application.workplace(pair.board)];
  const source = application.start(pair.x86, here, { migtest: 8, full: false, port: await freePort() });
  await until(() => source.stdout.includes("listenning"), "the page server");
  carry(pair.x86, here, pair.board, there);
  const target = application.start(pair.board, there, { resume: true, full: false, server: "localhost" });
  t.same(await target.ended, { exitCode: 1 });
  t.match(target.stderr, /^Invalid address\/ Address not supported[^\n]*\n[^]*Page request send failed\./);
  t.same(states(pair.board, there).slice(0, 2), ["RESTORING_CHKPT", "PULLING_PAGES"]);
  source.signal("SIGKILL");
  t.same(await source.ended, { signal: "SIGKILL" });
});

t.test("post-copy: a port that is taken loses the program", async (t) => {
  const pair = await hexoPair(t);
  const application = await Application.build(pair);
  const holder = createServer().listen(0, "127.0.0.1");
  await once(holder, "listening");
  t.teardown(() => holder.close());
  const address = holder.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const source = application.start(pair.x86, await application.workplace(pair.x86), { migtest: 8, full: false, port });
  t.same(await source.ended, { exitCode: 1 });
  t.match(source.stderr, "Bind Failed");
});

t.test("a source that is resumed in the wrong mode cannot be restored", async (t) => {
  const pair = await hexoPair(t);
  const application = await Application.build(pair);
  const [here, there] = [await application.workplace(pair.x86), await application.workplace(pair.board)];
  const source = application.start(pair.x86, here, { migtest: 8, full: false, port: await freePort() });
  await until(() => source.stdout.includes("listenning"), "the page server");
  carry(pair.x86, here, pair.board, there);
  const target = application.start(pair.board, there, { resume: true, full: true });
  t.same(await target.ended, { exitCode: 0 });
  t.match(target.stderr, "Cannot restore data.bin");
  source.signal("SIGKILL");
  await source.ended;
});

t.test("client-exits: the source says so and ends with exit code 0", async (t) => {
  const pair = await hexoPair(t, { board: ["client-exits"] });
  const application = await Application.build(pair);
  const port = await freePort();
  const [here, there] = [await application.workplace(pair.x86), await application.workplace(pair.board)];
  const source = application.start(pair.x86, here, { migtest: 8, full: false, port });
  await until(() => source.stdout.includes("listenning"), "the page server");
  carry(pair.x86, here, pair.board, there);
  const target = application.start(pair.board, there, { resume: true, full: false, port, server: "127.0.0.1" });
  t.same(await target.ended, { exitCode: 0 });
  t.match(target.stderr, "Guest has halted the CPU");
  t.same(await source.ended, { exitCode: 0 });
  t.match(source.stdout, /Client exited\nClosing Server\nUhyve: exiting\n$/);
});

t.test("corrupt-transfer: the copy has its size, not its checksum, and the result is wrong", async (t) => {
  const pair = await hexoPair(t, { x86: ["corrupt-transfer"] });
  const application = await Application.build(pair);
  const [here, there] = [await application.workplace(pair.x86), await application.workplace(pair.board)];
  await application.start(pair.x86, here, { migtest: 8 }).ended;
  carry(pair.x86, here, pair.board, there);
  const whole = readFileSync(pair.board.host(`${there}/heap.bin`));
  const copied = await pair.x86.run("rsync", ["-t", "-e", "ssh -p 2207", `${here}/heap.bin`, `root@10.0.0.7:${there}/`]);
  t.equal(copied.exitCode, 0);
  const arrived = readFileSync(pair.board.host(`${there}/heap.bin`));
  t.equal(arrived.length, whole.length);
  t.notOk(arrived.equals(whole));
  const run = application.start(pair.board, there, { resume: true });
  t.same(await run.ended, { exitCode: 0 });
  t.match(run.stdout, "UNSUCCESSFUL");
});
