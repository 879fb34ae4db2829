/** What those who watch a run are told. */
import t from "tap";
import { ConflictError, NotFoundError } from "../../../../proto/base/errors.js";
import type { Act } from "../../../../controller/deploy/recipe.js";
import type { RunEvent } from "../../../../controller/deploy/run-feed.js";
import { deployToy, labWith, step } from "../../../support/deploy/step-recipe.js";
import { consoleLine } from "../../../support/deploy/toy-recipe.js";

const make: Act = { kind: "command", argv: ["make"], timeoutMs: 600_000 };
const story = ["planned", "leased", "step-began", "act-began", "act-done", "step-succeeded", "ended"];

function collect(events: AsyncIterable<RunEvent>): { seen: RunEvent[]; types: () => string[]; done: Promise<void> } {
  const seen: RunEvent[] = [];
  const done = (async () => {
    for await (const event of events) seen.push(event);
  })();
  return { seen, types: () => seen.flatMap((each) => (each.kind === "entry" ? [each.entry.type] : [])), done };
}

void t.test("everybody is told the whole story, whenever he comes", async (t) => {
  const lab = labWith([step({ id: "build/a", acts: () => [make] })]);
  lab.node("a").onCommand = () => ({ tookMs: 10_000 });
  const { runs } = await lab.controller();
  const { id } = await runs.start(deployToy, "ada");
  const early = collect(runs.watch(id, 0));
  await lab.clock.advance(5000);
  const late = collect(runs.watch(id, 3));
  await lab.untilEnded(runs, id);
  await Promise.all([early.done, late.done]);
  await collect(runs.watch(id, 99)).done;
  const after = collect(runs.watch(id, 1));
  await after.done;
  t.same(early.types(), story);
  t.same(late.types(), story.slice(2));
  t.same(after.types(), story);
});

void t.test("progress says what is done and seen, at most five times a second, and the newest is never lost", async (t) => {
  const lab = labWith([step({ id: "wait/a", evidence: [consoleLine("end", /^the end/, "the end", 60_000)] })]);
  const { runs } = await lab.controller();
  const { id } = await runs.start(deployToy, "ada");
  const watcher = collect(runs.watch(id, 1));
  await lab.clock.advance(1000);
  for (let line = 0; line < 500; line += 1) {
    lab.node("a").console?.lines(`[    1.000000] line ${line}`);
    await lab.clock.advance(2);
  }
  await lab.clock.advance(1000);
  const progress = watcher.seen.flatMap((each) => (each.kind === "progress" ? [each.progress] : []));
  t.ok(progress.length >= 5 && progress.length <= 8, `told ${progress.length} times in the second of 500 lines and around`);
  t.match(progress.at(-1), { step: "wait/a", node: "a", doing: "the end", lastLine: "[    1.000000] line 499", deadlineMs: 60_000 });
  t.ok((progress.at(-1)?.elapsedMs ?? 0) >= 1900);
  lab.node("a").console?.lines("[    1.000000] the end");
  await lab.untilEnded(runs, id);
  await watcher.done;
});

void t.test("a watcher that does not read holds up nothing and still gets every entry", async (t) => {
  const steps = Array.from({ length: 100 }, (_, index) => step({ id: `s${index}/a` }));
  const lab = labWith(steps);
  const { runs } = await lab.controller();
  const { id } = await runs.start(deployToy, "ada");
  const iterator = runs.watch(id, 1)[Symbol.asyncIterator]();
  await iterator.next();
  await lab.untilEnded(runs, id);
  let count = 1;
  while ((await iterator.next()).done !== true) count += 1;
  t.equal(count, 2 + 2 * steps.length + 1);
});

void t.test("a watcher leaves when his signal says so, and an unknown run is not found", async (t) => {
  const lab = labWith([step({ id: "build/a", acts: () => [make] })]);
  lab.node("a").onCommand = () => ({ tookMs: 10_000 });
  const { runs } = await lab.controller();
  await t.rejects(collect(runs.watch("20200101-0000-zz", 1)).done, NotFoundError);
  const { id } = await runs.start(deployToy, "ada");
  const leave = new AbortController();
  const watcher = collect(runs.watch(id, 1, { signal: leave.signal }));
  await lab.clock.advance(1000);
  leave.abort();
  await t.rejects(watcher.done, { code: "cancelled" });
  await lab.untilEnded(runs, id);
});

void t.test("a watcher is told when the controller lets go of the run", async (t) => {
  const lab = labWith([step({ id: "build/a", acts: () => [make] })]);
  lab.node("a").onCommand = () => ({ tookMs: 10_000 });
  const { runs } = await lab.controller();
  const { id } = await runs.start(deployToy, "ada");
  const watcher = collect(runs.watch(id, 1));
  const told = t.rejects(watcher.done, { message: /left as it stands, to be resumed/ });
  await lab.clock.advance(1000);
  await runs.close();
  await told;
});

void t.test("who comes before a new controller has taken up its runs is served when it has", async (t) => {
  const lab = labWith([step({ id: "build/a", acts: () => [make] })]);
  lab.node("a").onCommand = () => ({ tookMs: 10_000 });
  const first = await lab.controller();
  const { id } = await first.runs.start(deployToy, "ada");
  await lab.clock.advance(1000);
  first.sever();
  const { runs } = await lab.controller();
  const watcher = collect(runs.watch(id, 1));
  const cancelled = runs.cancel(id, "bob");
  await lab.clock.advance(1000);
  t.same(watcher.types(), []);
  await runs.resumeAll();
  await lab.clock.advance(1000);
  await watcher.done;
  t.equal((await cancelled).status, "cancelled");
  t.ok(watcher.types().includes("resumed"));
});

void t.test("runs are found by id, by deployment, and listed newest first", async (t) => {
  const lab = labWith([step({ id: "none/a" })]);
  const { runs } = await lab.controller();
  const first = await runs.start(deployToy, "ada");
  await lab.untilEnded(runs, first.id);
  const second = await runs.start({ ...deployToy, direction: "undeploy" }, "ada");
  await lab.untilEnded(runs, second.id);
  t.match(first.id, /^20270115-0800-[0-9a-z]{2}$/);
  t.match(first.nonce, /^[0-9a-z]{2}-[0-9a-z]{4}$/);
  t.equal((await runs.get("toy-1")).id, second.id);
  t.same(
    (await runs.list({ limit: 9 })).map((run) => run.id),
    [second.id, first.id],
  );
  t.same(await runs.list({ deployment: "other", limit: 9 }), []);
  const later = await lab.controller();
  t.same(
    (await later.runs.list({ limit: 1 })).map((run) => run.id),
    [second.id],
  );
});

void t.test("nodes that somebody else holds: the run ends before it begins, and says who", async (t) => {
  const lab = labWith([step({ id: "build/a", acts: () => [make] })]);
  await lab.leases.acquire({ nodes: ["b"], owner: "ci", reason: "nightly", ttlMs: 3_600_000 });
  const { runs } = await lab.controller();
  await t.rejects(runs.start(deployToy, "ada"), { constructor: ConflictError, message: /^b: held by ci \(nightly\)/ });
  t.match(await runs.get("toy-1"), { status: "failed", failure: { summary: /held by ci/, state: "this run has touched nothing" } });
  t.same(lab.node("a").done, []);
});
