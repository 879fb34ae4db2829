/** Exercises: which is meant, what is asked of it, and what it knows of the runs before it. */
import t from "tap";
import { ConflictError, InvalidArgumentError, InvalidInventoryError, NotFoundError } from "../../../../proto/base/errors.js";
import { makePlan, type PlanRequest } from "../../../../controller/deploy/plan.js";
import type { Json, Recipe } from "../../../../controller/deploy/recipe.js";
import type { RunRegistry } from "../../../../controller/deploy/runs.js";
import { deploymentSpec, FakeLab, labOf, nodeSpec, toyLab } from "../../../support/deploy/fake-lab.js";
import { recipeOf } from "../../../support/deploy/step-recipe.js";
import { toyRecipe } from "../../../support/deploy/toy-recipe.js";

const recipes: ReadonlyMap<string, Recipe> = new Map([["toy", toyRecipe]]);
const run: PlanRequest = { deployment: "toy-1", direction: "run", parameters: {}, previous: {} };
const deploy = { deployment: "toy-1", direction: "deploy", parameters: {} } as const;
const view = (change: Partial<PlanRequest>) => makePlan({ ...run, ...change }, toyLab, recipes).view;

void t.test("an exercise is planned by name, the first when none is named, with what was asked completed", (t) => {
  t.match(view({}), { direction: "run", exercise: "ask", title: "ask toy 2 times, every 10s", nodes: ["a", "b"] });
  t.match(view({ exercise: "ask", request: { times: 3, checkEvery: "1s" } }), { title: "ask toy 3 times, every 1s" });
  t.equal(makePlan({ ...deploy, previous: {} }, toyLab, recipes).view.exercise, undefined);
  t.end();
});

void t.test("the digest covers what was asked, also what shows in no line of the plan", (t) => {
  t.equal(view({}).digest, view({ exercise: "ask", request: { times: 2 } }).digest, "an option at its default changes nothing");
  t.not(view({ request: { loud: true } }).digest, view({}).digest);
  t.end();
});

void t.test("everything wrong with a request is told at once, as it is written on the command line", (t) => {
  const request = { times: 0, checkEvry: "1s", loud: "very" };
  t.throws(() => view({ request }), {
    constructor: InvalidArgumentError,
    message: [
      "option --times: needs at least 1",
      'option --loud: needs true or false, not "very"',
      "option --check-evry: there is no such option; did you mean --check-every?",
      "3 problems; nothing was changed",
    ].join("\n"),
  });
  t.throws(() => makePlan({ ...run, request }, labOf([nodeSpec("a")], [deploymentSpec({ roles: {} })]), recipes), {
    constructor: InvalidInventoryError,
    message: /roles\.server: needs 1 node[^]*roles\.client: needs 1 to 2[^]*option --loud/,
  });
  t.end();
});

void t.test("an unknown exercise comes with the name that was meant; a recipe without exercises says so", (t) => {
  const fails = (exercise: string, message: string) => t.throws(() => view({ exercise }), { constructor: NotFoundError, message });
  fails("moev", 'deployment toy-1: recipe toy has no exercise "moev"; did you mean "move"?');
  fails("toString", 'deployment toy-1: recipe toy has no exercise "toString"; its exercises: ask, move');
  t.throws(() => makePlan(run, toyLab, new Map([["toy", recipeOf([])]])), {
    constructor: NotFoundError,
    message: "deployment toy-1: recipe toy has no exercises to run",
  });
  t.end();
});

void t.test("an exercise that needs what was never put out is refused by its recipe", (t) => {
  t.throws(() => view({ exercise: "move", request: { to: "client" } }), {
    constructor: InvalidArgumentError,
    message: /^option --to: b runs no toy; deploy it first\n/,
  });
  const undeployed = {
    ...toyRecipe,
    undeploy: () => ({ problems: [{ at: "deployment", problem: "nothing is deployed; lab deploy first" }] }),
  };
  t.throws(() => makePlan({ ...run, direction: "undeploy" }, toyLab, new Map([["toy", undeployed]])), {
    constructor: InvalidArgumentError,
    message: "deployment toy-1: nothing is deployed; lab deploy first\n1 problem; nothing was changed",
  });
  t.end();
});

/** A lab where the toy comes up and answers; `go` runs to the end. */
async function answeringLab() {
  const lab = new FakeLab();
  const { runs } = await lab.controller();
  const answer = { stdout: "12\n" };
  let nonce = "";
  lab.bootsWell(() => nonce);
  for (const name of ["a", "b"]) lab.node(name).onCommand = ([program]) => (program === "make" ? {} : answer);
  const go = async (request: Parameters<RunRegistry["start"]>[0]) => {
    const started = await runs.start(request, "ada");
    nonce = started.nonce;
    return lab.untilEnded(runs, started.id);
  };
  return { lab, runs, answer, go };
}

void t.test("an exercise knows what deploy and the exercises since have put out, newest first, and so does undeploy", async (t) => {
  const { lab, runs, answer, go } = await answeringLab();
  const up = await go(deploy);
  t.equal(up.status, "succeeded");
  t.match(await go({ ...run, deployment: up.id }), { status: "succeeded", previous: { "check/a": { bootId: "boot-1" } } }, "by a run's id");
  answer.stdout = "34\n";
  const asked = await go(run);
  t.match(asked.previous, { "check/a": { bootId: "boot-1" }, "ask/a/1": { took: 12 } });
  answer.stdout = "nothing";
  t.equal((await go(run)).status, "failed", "an exercise that fails does not hide what is deployed");
  t.match(await go({ ...run, exercise: "move", request: { to: "client" } }), { status: "succeeded", request: { to: "client" } });
  const back = await runs.start({ ...deploy, direction: "undeploy" }, "ada");
  t.match(back.previous, { "check/a": { bootId: "boot-1" }, "ask/a/2": { took: 34 }, "move/b": { moved: true } });
  lab.node("a").bootNumber += 1;
  t.equal((await lab.untilEnded(runs, back.id)).status, "succeeded");
  t.same((await runs.start(run, "ada")).previous, {}, "after an undeploy nothing is left");
  await runs.close();
});

void t.test("what failed says how to run the same again", async (t) => {
  const { answer, go } = await answeringLab();
  answer.stdout = "nothing";
  const request: Record<string, Json> = { times: 1, checkEvery: "it's 5", loud: true };
  const { failure, id } = await go({ ...run, request });
  t.same(failure?.next, [
    String.raw`lab run toy-1 ask --times 1 --check-every 'it'\''s 5' --loud`,
    "lab undeploy toy-1",
    `lab record ${id}`,
  ]);
});

void t.test("a run whose controller dies is resumed with the exercise and what was asked of it", async (t) => {
  const { lab, runs, answer } = await answeringLab();
  lab.node("a").onCommand = () => ({ ...answer, tookMs: 2000 });
  const { id } = await runs.start({ ...run, request: { times: 3 } }, "ada");
  await lab.clock.advance(3000);
  await runs.close();
  const next = await lab.controller();
  t.same(await next.runs.resumeAll(), [id]);
  const ended = await lab.untilEnded(next.runs, id);
  t.match(ended, { status: "succeeded", resumes: 1, request: { times: 3 }, plan: { exercise: "ask" } });
  t.same(Object.keys(ended.outputs), ["ask/a/1", "ask/a/2", "ask/a/3"]);
});

void t.test("nothing is planned on the outputs of a run that still goes on", async (t) => {
  const lab = new FakeLab();
  const { runs } = await lab.controller();
  const { id } = await runs.start(deploy, "ada");
  const refused = {
    constructor: ConflictError,
    message: `deployment toy-1: its run ${id} goes on; watch it: lab watch ${id}, or end it: lab cancel ${id}`,
  };
  await t.rejects(runs.start({ deployment: "toy-1", direction: "undeploy", parameters: {} }, "bob"), refused);
  t.same(
    (await runs.list({ limit: 9 })).map((each) => each.id),
    [id],
    "a refusal is no run",
  );
  await lab.untilEnded(runs, id);
});
