/** A controller is killed, another one starts: the run ends as if nothing had been, and nothing is done to a node twice. */
import t, { type Test } from "tap";
import { DyingJournal } from "../../../support/deploy/dying-journal.js";
import type { Act } from "../../../../controller/deploy/recipe.js";
import { deploymentSpec, FakeLab, labOf, nodeSpec } from "../../../support/deploy/fake-lab.js";
import { labWith, step } from "../../../support/deploy/step-recipe.js";

const request = { deployment: "toy-1", direction: "deploy", parameters: {} } as const;
/** FakeLab's first random bytes are all 1. */
const nonce = "11-1111";
/** Longer than a lease lives without its controller. */
const longMs = 150_000;

const cycle: Act = { kind: "power", verb: "cycle", deadlineMs: 60_000 };
const failing: Act = { kind: "command", argv: ["fail"], timeoutMs: 60_000 };

/** A lab where things take time: the build 3 s, the power-on self-test 2 s. */
function slowLab(): FakeLab {
  const lab = new FakeLab();
  lab.node("a").onCommand = () => ({ tookMs: 3000 });
  lab.bootsWell(() => nonce);
  for (const name of ["a", "b"]) {
    const node = lab.node(name);
    const boot = node.onPower;
    node.onPower = (verb) => {
      node.agentConnected = false;
      node.nextEntry = "";
      lab.clock.after(2000, () => boot(verb));
    };
  }
  return lab;
}

function checkDoneOnce(t: Test, lab: FakeLab): void {
  const done = (name: string, what: string) => lab.node(name).done.filter((each) => each === what).length;
  t.equal(done("a", "run make"), 1, "built once");
  t.equal(done("a", "power cycle"), 1, "a was power cycled once");
  t.equal(done("b", "power cycle"), 1, "b was power cycled once");
  t.equal(lab.node("a").done.at(-1), "power cycle", "nothing was armed after the power cycle");
}

/** Kills the controller when `kill` says so, starts another `afterMs` later and lets the run end. */
async function survive(t: Test, lab: FakeLab, death: { at: number; written: boolean }, afterMs: number): Promise<boolean> {
  let killed = false;
  const journal = new DyingJournal(lab.journal, death, () => {
    first.sever();
    killed = true;
  });
  const first = await lab.controller(journal);
  void first.runs.start(request, "ada");
  for (let passedMs = 0; !killed && passedMs < 60_000; passedMs += 1000) await lab.clock.advance(1000);
  if (!killed) return false;
  await lab.clock.advance(afterMs);
  const { runs } = await lab.controller();
  const resumed = await runs.resumeAll();
  const isUnborn = death.at === 1 && !death.written;
  if (isUnborn) {
    t.same(resumed, [], "a run that was not journalled has never been");
    return true;
  }
  const [newest] = await runs.list({ limit: 1 });
  const ended = await lab.untilEnded(runs, newest?.id ?? "");
  t.equal(ended.status, "succeeded", JSON.stringify(ended.failure));
  checkDoneOnce(t, lab);
  t.same(await lab.leases.list(), [], "the nodes are free");
  return true;
}

const deaths = [
  { written: false, afterMs: 1000 },
  { written: true, afterMs: longMs },
];

for (const { written, afterMs } of deaths) {
  const when = `killed right ${written ? "after" : "before"} an append, back after ${afterMs / 1000} s`;
  void t.test(`${when}: the run succeeds and every act was done once, whichever append it was`, async (t) => {
    let at = 1;
    while (await survive(t, slowLab(), { at, written }, afterMs)) at += 1;
    t.ok(at > 30, `${at - 1} boundaries were tried`);
  });
}

void t.test("killed at any moment: the run succeeds, and no evidence is asked for twice", async (t) => {
  const total = 70;
  for (let moment = 1; moment < total; moment += 5) {
    const lab = slowLab();
    const first = await lab.controller();
    const { id } = await first.runs.start(request, "ada");
    await lab.clock.advance(moment * 100);
    first.sever();
    await lab.clock.advance(500);
    const { runs } = await lab.controller();
    await runs.resumeAll();
    const ended = await lab.untilEnded(runs, id);
    t.equal(ended.status, "succeeded", `killed at ${moment * 100} ms`);
    checkDoneOnce(t, lab);
    const claims = ended.evidence.map((each) => `${each.step}: ${each.claim}`);
    t.same(claims, [...new Set(claims)], "each claim once");
  }
});

void t.test("a crash while no controller ran is seen by the next one", async (t) => {
  const lab = slowLab();
  const first = await lab.controller();
  const { id } = await first.runs.start(request, "ada");
  while ((await first.runs.get(id)).watches["b"] === undefined) await lab.clock.advance(100);
  first.sever();
  lab.node("b").console?.lines("[    1.000000] Kernel panic - not syncing: no controller saw this");
  const { runs } = await lab.controller();
  await runs.resumeAll();
  const ended = await lab.untilEnded(runs, id);
  t.match(ended.failure, { node: "b", summary: /no controller saw this/ });
});

void t.test("a reboot is recognised by the boot id and not ordered again", async (t) => {
  for (const isGone of [true, false]) {
    const reboot = step({ id: "back/a", acts: () => [{ kind: "reboot" }], evidence: [] });
    const lab = labWith([reboot]);
    // The order arrives and the machine goes down, or the controller dies before it gave the order.
    const first = await lab.controller(new DyingJournal(lab.journal, { at: isGone ? 5 : 4, written: !isGone }, () => first.sever()));
    void first.runs.start(request, "ada");
    await lab.clock.advance(1000);
    t.same(lab.node("a").done, isGone ? ["reboot"] : []);
    const { runs } = await lab.controller();
    const [id = ""] = await runs.resumeAll();
    t.equal((await lab.untilEnded(runs, id)).status, "succeeded");
    t.same(lab.node("a").done, ["reboot"]);
  }
});

void t.test("a failure that was told before the kill stays the outcome, and nothing new is begun", async (t) => {
  const lab = labWith([step({ id: "bad/a", acts: () => [failing] }), step({ id: "next/b", needs: ["bad/a"], acts: () => [failing] })]);
  lab.node("a").onCommand = () => ({ exitCode: 1 });
  // planned, leased, step-began, act-began, step-failed
  const first = await lab.controller(new DyingJournal(lab.journal, { at: 5, written: true }, () => first.sever()));
  void first.runs.start(request, "ada");
  await lab.clock.advance(1000);
  const { runs } = await lab.controller();
  await runs.resumeAll();
  const ended = await lab.untilEnded(runs, (await runs.get("toy-1")).id);
  t.match(ended, { status: "failed", failure: { step: "bad/a" } });
  t.same(await lab.leases.list(), []);
});

void t.test("a cancel that was asked before the kill is carried out, after what must be finished", async (t) => {
  const flash = step({ id: "flash/a", uninterruptible: true, acts: () => [failing, { ...failing, argv: ["verify"] }] });
  const lab = labWith([
    flash,
    step({ id: "build/b", acts: () => [failing] }),
    step({ id: "next/a", needs: ["flash/a"], acts: () => [failing] }),
  ]);
  for (const name of ["a", "b"]) lab.node(name).onCommand = () => ({ tookMs: 20_000 });
  const first = await lab.controller();
  const { id } = await first.runs.start(request, "ada");
  await lab.clock.advance(1000);
  void first.runs.cancel(id, "bob");
  await lab.clock.advance(0);
  first.sever();
  const { runs } = await lab.controller();
  await runs.resumeAll();
  const ended = await lab.untilEnded(runs, id);
  t.equal(ended.status, "cancelled");
  t.equal(ended.steps["flash/a"]?.status, "succeeded");
  t.same(lab.node("a").done, ["run fail", "run verify"]);
});

void t.test("a plan that would be another one now is not gone on with", async (t) => {
  const lab = slowLab();
  const first = await lab.controller();
  const { id } = await first.runs.start(request, "ada");
  await lab.clock.advance(500);
  first.sever();
  lab.lab = labOf([nodeSpec("a", { address: "10.0.0.1" }), nodeSpec("b")], [deploymentSpec()]);
  const { runs } = await lab.controller();
  t.same(await runs.resumeAll(), []);
  t.match(await runs.get(id), {
    status: "unknown",
    failure: { summary: /cannot go on with this run/, cause: /inventory or recipe have changed/, blame: "lab" },
  });
  await lab.clock.advance(longMs);
  t.same(await lab.leases.list(), []);
});

void t.test("nodes that somebody else has taken meanwhile are left alone", async (t) => {
  const lab = slowLab();
  const first = await lab.controller();
  const { id } = await first.runs.start(request, "ada");
  await lab.clock.advance(500);
  first.sever();
  await lab.clock.advance(longMs);
  await lab.leases.acquire({ nodes: ["b"], owner: "ci", reason: "nightly", ttlMs: 3_600_000 });
  const { runs } = await lab.controller();
  t.same(await runs.resumeAll(), []);
  t.match(await runs.get(id), { status: "unknown", failure: { cause: /b: held by ci/ } });
});

void t.test("a lease that outlived its run is released", async (t) => {
  const lab = labWith([]);
  await lab.leases.acquire({ nodes: ["a"], owner: "run:20200101-0000-zz", reason: "deploy toy-1", ttlMs: 3_600_000 });
  await lab.leases.acquire({ nodes: ["b"], owner: "ada", reason: "hers", ttlMs: 3_600_000 });
  await (await lab.controller()).runs.resumeAll();
  t.same(
    (await lab.leases.list()).map((lease) => lease.owner),
    ["ada"],
  );
});

void t.test("undeploy knows what the last deploy put out, also after a restart", async (t) => {
  const lab = slowLab();
  const first = await lab.controller();
  const { id } = await first.runs.start(request, "ada");
  await lab.untilEnded(first.runs, id);
  const { runs } = await lab.controller();
  for (const name of ["a", "b"]) {
    const node = lab.node(name);
    node.agentConnected = true;
    node.done.length = 0;
  }
  const undeployed = await runs.start({ ...request, direction: "undeploy" }, "ada");
  t.same(undeployed.previous["check/a"], { bootId: "boot-1" });
  t.equal((await lab.untilEnded(runs, undeployed.id)).status, "succeeded");
  t.same(lab.node("a").done, ["reboot"]);
});

void t.test("a job whose agent died before it began is given once more", async (t) => {
  const lab = labWith([step({ id: "build/a", acts: () => [{ kind: "command", argv: ["make"], timeoutMs: 60_000 }] })]);
  let asked = 0;
  lab.node("a").onCommand = () =>
    (asked += 1) === 1 ? { state: "not-started", reason: "its supervisor ended before it could start" } : {};
  const { runs } = await lab.controller();
  const { id } = await runs.start(request, "ada");
  t.equal((await lab.untilEnded(runs, id)).status, "succeeded");
  t.equal(asked, 2);
});

void t.test("an agent that has not found a new controller yet is waited for, then taken for away", async (t) => {
  const takeDown = (node: string) =>
    step({ id: `down/${node}`, node, acts: ({ agentConnected }) => [agentConnected ? { kind: "reboot" } : cycle] });
  const lab = labWith([takeDown("a"), takeDown("b")]);
  const { runs } = await lab.controller();
  for (const name of ["a", "b"]) lab.node(name).agentConnected = false;
  lab.clock.after(15_000, () => void (lab.node("a").agentConnected = true));
  const { id } = await runs.start(request, "ada");
  t.equal((await lab.untilEnded(runs, id)).status, "succeeded");
  t.same(lab.node("a").done, ["reboot"]);
  t.same(lab.node("b").done, ["power cycle"]);
});
