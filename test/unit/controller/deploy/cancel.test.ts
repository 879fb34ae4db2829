/** A run that is told to stop, and a controller that is. */
import t from "tap";
import type { Act } from "../../../../controller/deploy/recipe.js";
import { deployToy, labWith, step } from "../../../support/deploy/step-recipe.js";
import { consoleLine } from "../../../support/deploy/toy-recipe.js";

const make: Act = { kind: "command", argv: ["make"], timeoutMs: 600_000 };
const building = step({ id: "build/a", acts: () => [make] });

void t.test("a cancel stops jobs and waits, frees the nodes and says who it was", async (t) => {
  const waiting = step({ id: "wait/b", evidence: [consoleLine("x", /x/, "x", 600_000)] });
  const lab = labWith([building, waiting, step({ id: "after/a", needs: ["build/a"] })]);
  lab.node("a").onCommand = () => ({ tookMs: 300_000 });
  const { runs } = await lab.controller();
  const { id } = await runs.start(deployToy, "ada");
  await lab.clock.advance(5000);
  const cancelled = runs.cancel(id, "bob");
  await lab.clock.advance(1000);
  const { status, steps, failure } = await cancelled;
  t.equal(status, "cancelled");
  t.equal(failure, undefined);
  t.same(
    Object.entries(steps).map(([step, record]) => [step, record.status]),
    [
      ["build/a", "stopped"],
      ["wait/b", "stopped"],
      ["after/a", "waiting"],
    ],
  );
  t.equal(lab.node("a").cancelledJobs.length, 1);
  t.same(await lab.leases.list(), []);
  const entries = await lab.journal.read(id);
  t.match(entries.find((entry) => entry.type === "cancelling")?.data, { by: "bob" });
  t.equal(lab.clock.pendingTimers, 0);
});

void t.test("a cancel lets a step finish that must not be left half done, and then stops", async (t) => {
  const flash = step({ id: "flash/a", uninterruptible: true, acts: () => [make] });
  const lab = labWith([flash, step({ id: "after/a", needs: ["flash/a"], acts: () => [make] })]);
  lab.node("a").onCommand = () => ({ tookMs: 20_000 });
  const { runs } = await lab.controller();
  const { id } = await runs.start(deployToy, "ada");
  await lab.clock.advance(5000);
  const cancelled = runs.cancel(id, "bob");
  await lab.clock.advance(10_000);
  t.equal((await runs.get(id)).status, "cancelling");
  await lab.clock.advance(10_000);
  const { status, steps } = await cancelled;
  t.equal(status, "cancelled");
  t.equal(steps["flash/a"]?.status, "succeeded");
  t.equal(steps["after/a"]?.status, "waiting");
});

void t.test("a job that takes its time to stop is waited for before the nodes are free", async (t) => {
  const lab = labWith([building]);
  const node = lab.node("a");
  node.run = async (_, { signal }) => {
    await new Promise<void>((resolve) => signal?.addEventListener("abort", () => lab.clock.after(8000, resolve), { once: true }));
    return {
      state: "cancelled",
      exitCode: undefined,
      signal: "SIGKILL",
      reason: undefined,
      stdout: "",
      stderr: "",
      startedMs: 0,
      endedMs: 0,
    };
  };
  const { runs } = await lab.controller();
  const { id } = await runs.start(deployToy, "ada");
  await lab.clock.advance(1000);
  const cancelled = runs.cancel(id, "bob");
  await lab.clock.advance(7000);
  t.equal((await lab.leases.list()).length, 1);
  await lab.clock.advance(2000);
  t.equal((await cancelled).status, "cancelled");
});

void t.test("a run that has ended can be cancelled without harm", async (t) => {
  const lab = labWith([step({ id: "none/a" })]);
  const { runs } = await lab.controller();
  const { id } = await runs.start(deployToy, "ada");
  await lab.untilEnded(runs, id);
  t.equal((await runs.cancel(id, "bob")).status, "succeeded");
});

void t.test("whoever stops waiting for a cancel does not stop the cancel", async (t) => {
  const flash = step({ id: "flash/a", uninterruptible: true, acts: () => [make] });
  const lab = labWith([flash]);
  lab.node("a").onCommand = () => ({ tookMs: 20_000 });
  const { runs } = await lab.controller();
  const { id } = await runs.start(deployToy, "ada");
  await lab.clock.advance(1000);
  const gone = new AbortController();
  const cancelled = runs.cancel(id, "bob", { signal: gone.signal });
  gone.abort();
  await t.rejects(cancelled, { code: "cancelled" });
  t.equal((await lab.untilEnded(runs, id)).status, "succeeded", "the only step could not be stopped, so all is done");
});

void t.test("a controller that shuts down leaves the job running, and the next one finds it", async (t) => {
  const lab = labWith([building]);
  lab.node("a").onCommand = () => ({ tookMs: 300_000 });
  const first = await lab.controller();
  const { id } = await first.runs.start(deployToy, "ada");
  await lab.clock.advance(5000);
  await first.runs.close();
  t.equal((await first.runs.get(id)).endedMs, undefined);
  t.same(lab.node("a").cancelledJobs, []);
  t.equal(lab.clock.pendingTimers, 1, "nothing of the controller is left, only the job");
  const second = await lab.controller();
  t.same(await second.runs.resumeAll(), [id]);
  t.equal((await lab.untilEnded(second.runs, id)).status, "succeeded");
  t.same(lab.node("a").done, ["run make"]);
});

void t.test("a controller that shuts down does not begin again what may not be interrupted", async (t) => {
  const lab = labWith([step({ id: "flash/a", uninterruptible: true, acts: () => [make] })]);
  lab.node("a").onCommand = () => ({ tookMs: 300_000 });
  const first = await lab.controller();
  const { id } = await first.runs.start(deployToy, "ada");
  await lab.clock.advance(5000);
  let closed = false;
  const closing = first.runs.close().then(() => {
    closed = true;
  });
  await lab.clock.advance(1000);
  t.ok(closed, "it is not waited for");
  await closing;
  const second = await lab.controller();
  await second.runs.resumeAll();
  t.equal((await lab.untilEnded(second.runs, id)).status, "succeeded");
  t.same(lab.node("a").done, ["run make"]);
});
