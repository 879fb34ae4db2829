/** Long work that is done already is recognised and not done again. */
import t from "tap";
import type { Look, Step } from "../../../../controller/deploy/recipe.js";
import { killAtEachAppend } from "../../../support/deploy/kill-at-each-append.js";
import { deployToy, labWith, step } from "../../../support/deploy/step-recipe.js";

const image: Look = {
  kind: "file",
  claim: "the image is built from this source",
  withinMs: 5000,
  path: () => "/build/image",
  wantText: true,
  judge: (file) =>
    file?.text === "image of 1\n" ? { ok: true, outputs: { sha256: file.sha256 ?? "" } } : { ok: false, reason: "no image of 1" },
};

const build: Step = step({
  id: "build/a",
  repeat: "verify",
  standing: [image],
  acts: () => [{ kind: "write-file", path: "/build/image", contents: "image of 1\n" }],
  evidence: [image],
});
const use: Step = step({
  id: "use/a",
  needs: ["build/a"],
  actsWithinMs: 1000,
  acts: ({ outputs }) => [{ kind: "write-file", path: "/use", contents: JSON.stringify(outputs["build/a"]?.["sha256"]) }],
});

void t.test("a step whose result stands is done without its acts, with what was seen as evidence and outputs", async (t) => {
  const lab = labWith([build, use]);
  lab.node("a").fileTexts.set("/build/image", "image of 1\n");
  const { runs } = await lab.controller();
  const { id } = await runs.start(deployToy, "ada");
  const ended = await lab.untilEnded(runs, id);
  t.match(ended, { status: "succeeded", steps: { "build/a": { status: "succeeded", standing: true }, "use/a": { standing: undefined } } });
  t.same(lab.node("a").done, ["write /use"]);
  t.match(lab.node("a").fileTexts.get("/use"), /^"[0-9a-f]{64}"$/);
  t.match(ended.evidence, [
    { step: "build/a", claim: "the image is built from this source", source: { kind: "file", path: "/build/image" } },
  ]);
});

void t.test("a step whose result does not stand is done", async (t) => {
  const lab = labWith([build]);
  lab.node("a").fileTexts.set("/build/image", "image of 0\n");
  const { runs } = await lab.controller();
  const { id } = await runs.start(deployToy, "ada");
  const ended = await lab.untilEnded(runs, id);
  t.match(ended, { status: "succeeded", steps: { "build/a": { standing: false } } });
  t.same(lab.node("a").done, ["write /build/image"]);
  const entries = await lab.journal.read(id);
  t.match(entries.find(({ type }) => type === "not-standing")?.data, {
    step: "build/a",
    reason: "the image is built from this source: no image of 1",
  });
});

void t.test("all of it must stand, and what is seen first is known to what is judged after it", async (t) => {
  const twice: Step = {
    ...build,
    standing: [
      image,
      {
        kind: "facts",
        claim: "the digest is known",
        withinMs: 1000,
        judge: (_, { outputs }) => (outputs["build/a"]?.["sha256"] === undefined ? { ok: false, reason: "no digest" } : { ok: true }),
      },
      { kind: "power", claim: "it is off", withinMs: 1000, state: "off" },
    ],
  };
  const lab = labWith([twice]);
  lab.node("a").fileTexts.set("/build/image", "image of 1\n");
  const { runs } = await lab.controller();
  const { id } = await runs.start(deployToy, "ada");
  t.equal((await lab.untilEnded(runs, id)).status, "succeeded");
  const entries = await lab.journal.read(id);
  t.match(entries.find(({ type }) => type === "not-standing")?.data, { reason: "it is off: power is on" });
  t.same(lab.node("a").done, ["write /build/image"]);
});

void t.test("what cannot be seen in its time does not stand, and the step is done when its node is back", async (t) => {
  const lab = labWith([build]);
  const node = lab.node("a");
  node.fileTexts.set("/build/image", "image of 1\n");
  node.agentConnected = false;
  lab.clock.after(40_000, () => void (node.agentConnected = true));
  const { runs } = await lab.controller();
  const { id } = await runs.start(deployToy, "ada");
  t.match(await lab.untilEnded(runs, id), { status: "succeeded", steps: { "build/a": { standing: false } } });
  t.same(node.done, ["write /build/image"]);
});

void t.test("a cancel ends the look", async (t) => {
  const patient: Step = { ...build, standing: [{ ...image, withinMs: 600_000 }] };
  const lab = labWith([patient]);
  lab.node("a").agentConnected = false;
  const { runs } = await lab.controller();
  const { id } = await runs.start(deployToy, "ada");
  await lab.clock.advance(30_000);
  const cancelled = runs.cancel(id, "bob");
  await lab.clock.advance(1000);
  t.equal((await cancelled).status, "cancelled");
  t.same(lab.node("a").done, []);
});

void t.test("a mistake in the recipe's judgement is told, not taken for a no", async (t) => {
  const broken: Look = { ...image, judge: () => (undefined as unknown as string).length as never };
  const lab = labWith([{ ...build, standing: [broken] }]);
  const { runs } = await lab.controller();
  const { id } = await runs.start(deployToy, "ada");
  t.match(await lab.untilEnded(runs, id), { status: "failed", failure: { summary: /a defect of labd/ } });
});

void t.test("killed at any append: half of what a step does is never taken for all of it", async (t) => {
  // The first act alone makes the look succeed; the second is needed all the same.
  const halves: Step = {
    ...build,
    acts: () => [
      { kind: "write-file", path: "/build/image", contents: "image of 1\n" },
      { kind: "write-file", path: "/build/done", contents: "yes\n" },
    ],
  };
  let runs = 0;
  for await (const { lab, ended, killed } of killAtEachAppend(() => labWith([halves]))) {
    runs += 1;
    t.match(ended, { status: "succeeded", steps: { "build/a": { standing: false } } }, killed);
    t.same([...new Set(lab.node("a").done)], ["write /build/image", "write /build/done"], killed);
  }
  t.ok(runs > 12, `${runs} boundaries were tried`);
});

void t.test("killed at any append: what stands is evidence once", async (t) => {
  const standing = () => {
    const lab = labWith([build]);
    lab.node("a").fileTexts.set("/build/image", "image of 1\n");
    return lab;
  };
  for await (const { lab, ended, killed } of killAtEachAppend(standing)) {
    t.match(ended, { status: "succeeded", steps: { "build/a": { standing: true } } }, killed);
    t.equal(ended.evidence.length, 1, killed);
    t.same(lab.node("a").done, [], killed);
  }
});
