/** A node whose step has failed or was stopped is brought back before anybody else may have it. */
import t, { type Test } from "tap";
import type { Act, Look, Rescue, Step } from "../../../../controller/deploy/recipe.js";
import type { RunState } from "../../../../controller/deploy/run-state.js";
import type { FakeLab } from "../../../support/deploy/fake-lab.js";
import { killAtEachAppend } from "../../../support/deploy/kill-at-each-append.js";
import { deployToy, labWith, step } from "../../../support/deploy/step-recipe.js";

const cycle: Act = { kind: "power", verb: "cycle", deadlineMs: 60_000 };
const oldKernel: Look = {
  kind: "facts",
  claim: "the old kernel runs",
  withinMs: 20_000,
  judge: ({ kernelRelease, bootId }) =>
    bootId === "boot-2" ? { ok: true, lines: [kernelRelease] } : { ok: false, reason: `still ${bootId}` },
};
const rescue: Rescue = {
  title: "power cycle a back into its old kernel",
  acts: () => [{ kind: "remove-file", path: "/boot/once" }, cycle],
  evidence: [oldKernel],
};
/** Boots a kernel that never comes up; its rescue boots the old one. */
const boot: Step = step({
  id: "boot/a",
  repeat: "verify",
  acts: () => [
    { kind: "write-file", path: "/boot/once", contents: "new\n" },
    { kind: "command", argv: ["kexec"], timeoutMs: 5000 },
  ],
  evidence: [{ kind: "power", claim: "it is off", withinMs: 5000, state: "off" }],
  rescue,
});

/** As `boot`, for as long as nobody stops it. */
const waiting: Step = { ...boot, evidence: [{ kind: "power", claim: "it is off", withinMs: 600_000, state: "off" }] };

function failingLab(steps: readonly Step[] = [boot]): FakeLab {
  const lab = labWith(steps);
  const node = lab.node("a");
  node.onPower = () => {
    node.agentConnected = false;
    lab.clock.after(3000, () => {
      node.bootNumber = 2;
      node.agentConnected = true;
    });
  };
  return lab;
}

function checkRescued(t: Test, lab: FakeLab, ended: RunState, why = ""): void {
  t.match(
    ended,
    {
      status: "failed",
      failure: { step: "boot/a", summary: /waited 5.0 s for it is off/, state: /^a.*; a rescued: the old kernel runs$/ },
      rescues: { "boot/a": { status: "done", node: "a", summary: "a rescued: the old kernel runs" } },
    },
    why,
  );
  t.equal(lab.node("a").done.filter((each) => each === "power cycle").length, 1, `${why}: one power cycle`);
  t.equal(lab.node("a").done.filter((each) => each === "run kexec").length, 1, `${why}: one kexec`);
}

void t.test("after a failure the node is brought back, proven so, and only then free; the failure stays the run's", async (t) => {
  const lab = failingLab();
  const { runs } = await lab.controller();
  const { id } = await runs.start(deployToy, "ada");
  while ((await runs.get(id)).rescues["boot/a"] === undefined) await lab.clock.advance(100);
  t.equal((await runs.get(id)).failure?.step, "boot/a", "told before anything is done about it");
  t.equal((await lab.leases.list()).length, 1, "the node is held");
  const ended = await lab.untilEnded(runs, id);
  checkRescued(t, lab, ended);
  t.same(lab.node("a").done, ["write /boot/once", "run kexec", "remove /boot/once", "power cycle"]);
  t.match(
    ended.evidence.map(({ step: of, claim }) => `${of}: ${claim}`),
    ["boot/a#rescue: power cycle", "boot/a#rescue: the old kernel runs"],
  );
  t.same(await lab.leases.list(), []);
  t.equal(lab.clock.pendingTimers, 0);
});

void t.test("killed at any append: the rescue is done once and told once, and the failure stays", async (t) => {
  let count = 0;
  for await (const { lab, ended, killed } of killAtEachAppend(failingLab)) {
    count += 1;
    checkRescued(t, lab, ended, killed);
    t.same(await lab.leases.list(), [], killed);
  }
  t.ok(count > 30, `${count} boundaries were tried`);
});

void t.test("a cancel brings the node back too", async (t) => {
  const lab = failingLab([waiting]);
  const { runs } = await lab.controller();
  const { id } = await runs.start(deployToy, "ada");
  await lab.clock.advance(10_000);
  const cancelling = runs.cancel(id, "bob");
  await lab.clock.advance(10_000);
  const { status, failure, rescues } = await cancelling;
  t.equal(status, "cancelled");
  t.equal(failure, undefined);
  t.match(rescues, { "boot/a": { status: "done" } });
  t.equal(lab.node("a").done.at(-1), "power cycle");
});

void t.test("killed at any append of a cancelled run: the node is brought back once", async (t) => {
  const slow: Step = { ...boot, evidence: [{ kind: "power", claim: "it is off", withinMs: 30_000, state: "off" }] };
  const cancelled = new Set<string>();
  let count = 0;
  const cancelOnce = ({ runs }: Awaited<ReturnType<FakeLab["controller"]>>, id: string) => {
    const cancel = async () => {
      const state = await runs.get(id);
      if (state.steps["boot/a"]?.actsDone === 2 && state.status === "running") await runs.cancel(id, "bob");
    };
    // A controller that has died knows of nothing any more.
    cancel().catch(() => undefined);
  };
  for await (const { lab, ended, killed } of killAtEachAppend(() => failingLab([slow]), cancelOnce)) {
    count += 1;
    cancelled.add(ended.status);
    // Killed before anybody could cancel, the run goes on and fails by its deadline; it is brought back all the same.
    t.ok(["cancelled", "failed"].includes(ended.status), killed);
    t.match(ended.rescues, { "boot/a": { status: "done" } }, killed);
    t.equal(lab.node("a").done.filter((each) => each === "power cycle").length, 1, killed);
  }
  t.ok(cancelled.has("cancelled"));
  t.ok(count > 20, `${count} boundaries were tried`);
});

void t.test("a failure elsewhere stops the step, and its node is brought back", async (t) => {
  const bad = step({
    id: "bad/b",
    acts: () => [
      { kind: "pause", forMs: 8000, why: "time" },
      { kind: "command", argv: ["fail"], timeoutMs: 5000 },
    ],
  });
  const lab = failingLab([waiting, bad]);
  lab.node("b").onCommand = () => ({ exitCode: 1 });
  const { runs } = await lab.controller();
  const { id } = await runs.start(deployToy, "ada");
  const ended = await lab.untilEnded(runs, id);
  t.match(ended, { failure: { step: "bad/b" }, steps: { "boot/a": { status: "stopped" } }, rescues: { "boot/a": { status: "done" } } });
});

void t.test("a rescue that fails is told with what to do next, and changes nothing else", async (t) => {
  const lab = failingLab();
  lab.node("a").onPower = () => {};
  const { runs } = await lab.controller();
  const { id } = await runs.start(deployToy, "ada");
  const ended = await lab.untilEnded(runs, id);
  t.match(ended, { status: "failed", failure: { summary: /it is off/ }, rescues: { "boot/a": { status: "failed" } } });
  t.match(
    ended.failure?.state,
    /; rescue of a failed \(power cycle a back into its old kernel\): a: waited 20.0 s for the old kernel runs; .*still boot-1.*; next: lab nodes, lab undeploy toy-1$/,
  );
  t.same(await lab.leases.list(), []);
});

void t.test("a failed rescue of a cancelled run leaves it cancelled", async (t) => {
  const lab = failingLab([waiting]);
  lab.node("a").onPower = () => {};
  const { runs } = await lab.controller();
  const { id } = await runs.start(deployToy, "ada");
  await lab.clock.advance(5000);
  const cancelling = runs.cancel(id, "bob");
  await lab.clock.advance(60_000);
  t.match(await cancelling, { status: "cancelled", failure: undefined, rescues: { "boot/a": { status: "failed" } } });
});

void t.test("nothing is brought back of a step that was stopped before it did anything, or that has succeeded", async (t) => {
  const late: Step = { ...boot, id: "late/a", needs: ["slow/a"] };
  const slow = step({ id: "slow/a", standing: [{ ...oldKernel, withinMs: 600_000 }], acts: () => [cycle], rescue });
  const good: Step = { ...boot, id: "good/b", node: "b", evidence: [] };
  const lab = failingLab([slow, late, good]);
  lab.node("a").agentConnected = false;
  const { runs } = await lab.controller();
  const { id } = await runs.start(deployToy, "ada");
  await lab.clock.advance(40_000);
  const cancelling = runs.cancel(id, "bob");
  await lab.clock.advance(1000);
  t.match(await cancelling, { status: "cancelled", steps: { "slow/a": { status: "stopped" }, "good/b": { status: "succeeded" } } });
  t.same((await runs.get(id)).rescues, {});
  t.same(lab.node("a").done, []);
});

void t.test("a step that only looks is rescued when it has not seen what it must", async (t) => {
  const looking: Step = step({ id: "up/a", evidence: boot.evidence, rescue });
  const lab = failingLab([looking]);
  const { runs } = await lab.controller();
  const { id } = await runs.start(deployToy, "ada");
  t.match(await lab.untilEnded(runs, id), { status: "failed", rescues: { "up/a": { status: "done" } } });
});

void t.test("nodes that may be somebody else's are left alone", async (t) => {
  const lab = failingLab([waiting]);
  const { runs } = await lab.controller();
  const { id } = await runs.start(deployToy, "ada");
  await lab.clock.advance(5000);
  for (const lease of await lab.leases.list()) await lab.leases.release(lease.id);
  const ended = await lab.untilEnded(runs, id);
  t.match(ended, { failure: { summary: /the lease of the run has ended/, state: /rescue of a failed .*may be somebody else's/ } });
  t.notOk(lab.node("a").done.includes("power cycle"));
});

void t.test("a crash line of a node that is being brought back fails nothing", async (t) => {
  const slow: Step = { ...waiting, watch: "from-here" };
  const lab = failingLab([slow]);
  const node = lab.node("a");
  const comeBack = node.onPower;
  node.onPower = (verb) => {
    node.console?.lines("[    1.000000] Kernel panic - not syncing: last words");
    comeBack(verb);
  };
  const { runs } = await lab.controller();
  const { id } = await runs.start(deployToy, "ada");
  await lab.clock.advance(5000);
  const cancelling = runs.cancel(id, "bob");
  await lab.clock.advance(30_000);
  t.match(await cancelling, { status: "cancelled", failure: undefined });
});

void t.test("a controller that shuts down while it brings a node back leaves that to the next one", async (t) => {
  const lab = failingLab();
  const first = await lab.controller();
  const { id } = await first.runs.start(deployToy, "ada");
  while ((await first.runs.get(id)).rescues["boot/a"] === undefined) await lab.clock.advance(100);
  await first.runs.close();
  t.match(await first.runs.get(id), { endedMs: undefined, rescues: { "boot/a": { status: "running" } } });
  const { runs } = await lab.controller();
  t.same(await runs.resumeAll(), [id]);
  checkRescued(t, lab, await lab.untilEnded(runs, id));
});
