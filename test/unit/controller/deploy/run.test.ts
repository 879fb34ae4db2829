/** A run from start to end, on fake nodes. */
import t from "tap";
import { FakeLab } from "../../../support/deploy/fake-lab.js";
import { deployToy, labWith, step } from "../../../support/deploy/step-recipe.js";

const request = { deployment: "toy-1", direction: "deploy", parameters: {} } as const;

void t.test("a run does every step, keeps the evidence for each and frees its nodes", async (t) => {
  const lab = new FakeLab();
  const { runs } = await lab.controller();
  let nonce = "";
  lab.bootsWell(() => nonce);
  const started = await runs.start(request, "ada");
  nonce = started.nonce;
  const ended = await lab.untilEnded(runs, started.id);
  t.equal(ended.status, "succeeded");
  t.same(new Set(Object.values(ended.steps).map((step) => step.status)), new Set(["succeeded"]));
  t.same(lab.node("a").done, ["write /src/config", "run make", "put-boot-entry toy", "boot-once toy", "power cycle"]);
  t.same(lab.node("b").done, ["power cycle"]);
  t.same(
    ended.evidence.filter((each) => each.node === "a").map((each) => each.claim),
    [
      "the console is captured",
      "Linux runs",
      "the configuration is there",
      "toy boots next",
      "power cycle",
      "it is on",
      "toy runs",
      "all peers joined",
      "the program printed this run's nonce",
    ],
  );
  t.equal(ended.evidence.find((each) => each.step === "prove/a")?.source.kind, "console");
  t.same(await lab.leases.list(), []);
  t.equal(lab.clock.pendingTimers, 0, "no timer is left");
  t.same([lab.node("a").console?.followers, lab.node("b").console?.followers], [0, 0], "no console is followed any more");
});

void t.test("an undeploy knows what the deploy that came up knew, whatever failed early after it", async (t) => {
  const lab = new FakeLab();
  const { runs } = await lab.controller();
  let nonce = "";
  lab.bootsWell(() => nonce);
  const up = await runs.start(request, "ada");
  nonce = up.nonce;
  t.equal((await lab.untilEnded(runs, up.id)).status, "succeeded");
  for (const console of [lab.node("a").console, lab.node("b").console]) if (console !== undefined) console.state = "down";
  t.equal((await lab.untilEnded(runs, (await runs.start(request, "ada")).id)).status, "failed");
  const back = await runs.start({ ...request, direction: "undeploy" }, "ada");
  t.match(back.previous["check/a"], { bootId: "boot-1" });
  await runs.close();
});

void t.test("a machine that waits for its turn to be switched has its time all the same", async (t) => {
  const lab = labWith([step({ id: "boot/a", acts: () => [{ kind: "power", verb: "cycle", deadlineMs: 60_000 }] })]);
  lab.node("a").powerWaitsMs = 8 * 60_000;
  const { runs } = await lab.controller();
  const { id } = await runs.start(deployToy, "ada");
  t.match(await lab.untilEnded(runs, id), { status: "succeeded" });
  t.same(lab.node("a").done, ["power cycle"]);
});
