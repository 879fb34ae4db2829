/** From inventory and recipe to a plan, or to everything that is wrong. */
import t from "tap";
import { InternalError, InvalidArgumentError, InvalidInventoryError, NotFoundError } from "../../../../proto/base/errors.js";
import { makePlan, type PlanRequest } from "../../../../controller/deploy/plan.js";
import type { Act, Known, Look, Recipe, Rescue, Step } from "../../../../controller/deploy/recipe.js";
import { deploymentSpec, labOf, nodeSpec, toyLab } from "../../../support/deploy/fake-lab.js";
import { recipeOf, step } from "../../../support/deploy/step-recipe.js";
import { consoleLine, toyRecipe } from "../../../support/deploy/toy-recipe.js";

const recipes: ReadonlyMap<string, Recipe> = new Map([["toy", toyRecipe]]);
const request: PlanRequest = { deployment: "toy-1", direction: "deploy", parameters: {}, previous: {} };

void t.test("a plan says every step, its node, its deadline and what it must show", (t) => {
  const { view } = makePlan(request, toyLab, recipes);
  t.equal(view.title, "toy on a, b");
  t.same(view.nodes, ["a", "b"]);
  t.same(
    view.steps.find((each) => each.id === "build/a"),
    {
      id: "build/a",
      phase: "build",
      node: "a",
      title: "make in /src",
      evidence: ["the configuration is there (file, within 1 s)"],
      // A minute to write the file, a minute and half for the command with its grace, a second for the evidence.
      deadlineMs: 151_000,
      needs: ["check/a"],
      repeat: "repeatable",
    },
  );
  t.same(view.steps.find((each) => each.id === "barrier/b")?.evidence, ["all peers joined (console, within 60 s)"]);
  t.end();
});

void t.test("equal plans have equal digests; what a run would do differently shows in the digest", (t) => {
  const digest = (change: Partial<PlanRequest>, lab = toyLab) => makePlan({ ...request, ...change }, lab, recipes).view.digest;
  t.match(digest({}), /^[0-9a-f]{64}$/);
  t.equal(digest({}), digest({}));
  t.equal(digest({ parameters: { greeting: "hello" } }), digest({}), "a parameter at its default changes nothing");
  t.not(digest({ parameters: { greeting: "hi" } }), digest({}), "a parameter that shows in no line of the plan");
  t.not(digest({ direction: "undeploy" }), digest({}));
  const otherLine = labOf([nodeSpec("a"), nodeSpec("b", { address: "10.0.0.9" })], [deploymentSpec()]);
  t.not(digest({}, otherLine), digest({}), "a fact about a node");
  t.end();
});

void t.test("what makes a step unnecessary, and what is done when it fails, are part of the plan and of its digest", (t) => {
  const planOf = (change: Partial<Step>) => {
    const steps = [step({ id: "boot/a", evidence: [off], ...change })];
    return makePlan(request, toyLab, new Map([["toy", recipeOf(steps)]])).view;
  };
  const off: Look = { kind: "power", claim: "it is off", withinMs: 2000, state: "off" };
  const back: Rescue = { title: "switch a on", acts: () => [], evidence: [{ ...off, claim: "it is on", state: "on" }] };
  const view = planOf({ standing: [off], rescue: back });
  t.match(view.steps[0], {
    standing: ["it is off (power, within 2 s)"],
    rescue: { title: "switch a on", evidence: ["it is on (power, within 2 s)"] },
    deadlineMs: 4000,
  });
  const digests = [{}, { standing: [off] }, { rescue: back }, { rescue: { ...back, evidence: [] } }].map((each) => planOf(each).digest);
  t.equal(new Set(digests).size, digests.length);
  t.end();
});

void t.test("all problems of a deployment are told at once, with the place in the inventory", (t) => {
  const broken = deploymentSpec({
    roles: { server: ["a", "c"], client: ["a"], sever: ["b"] },
    parameters: { sorce: "/src", greeting: 7 },
  });
  const lab = labOf([nodeSpec("a"), nodeSpec("b")], [broken]);
  const error = t.throws(() => makePlan(request, lab, recipes), InvalidInventoryError) as Error;
  t.same(error.message.split("\n"), [
    'lab.yaml:22:3 deployments.toy-1.roles.sever: recipe toy has no such role; did you mean "server"?',
    "lab.yaml:22:3 deployments.toy-1.roles.server: needs 1 node (serves), has 2",
    "lab.yaml:22:3 deployments.toy-1.roles.server: is bound to c, which is not a node; nodes: a b",
    "lab.yaml:22:3 deployments.toy-1.roles.client: a is bound to role server already; a node has one role",
    "lab.yaml:22:3 deployments.toy-1.with.greeting: needs text, not 7",
    'lab.yaml:22:3 deployments.toy-1.with.sorce: unknown key; did you mean "source"?',
    "6 problems; nothing was changed",
  ]);
  t.end();
});

void t.test("a machine whose power is held back is a problem, told with all others", (t) => {
  const hold = "firmware is being written";
  const held = nodeSpec("a", { safety: { group: "", minOffS: 0, cyclesPerHour: 0, hold } });
  const lab = labOf([held, nodeSpec("b")], [deploymentSpec({ roles: { server: ["a"] } })]);
  const error = t.throws(() => makePlan(request, lab, recipes), InvalidInventoryError) as Error;
  t.match(error.message.split("\n"), [
    /roles\.client: needs 1 to 2 nodes/,
    /roles\.server: the power of a is held back: firmware is being written; take nodes\.a\.power\.hold out of the inventory, or bind another/,
    /^2 problems/,
  ]);
  t.end();
});

void t.test("a missing role is a problem", (t) => {
  const lab = labOf([nodeSpec("a"), nodeSpec("b")], [deploymentSpec({ roles: { server: ["a"] } })]);
  t.throws(() => makePlan(request, lab, recipes), { message: /roles\.client: needs 1 to 2 nodes \(asks\), has 0/ });
  t.end();
});

void t.test("what is wrong only with the request is the request's fault", (t) => {
  const parameters = { greting: "hi" };
  const error = t.throws(() => makePlan({ ...request, parameters }, toyLab, recipes), InvalidArgumentError) as Error;
  t.match(error.message, /^parameter greting: unknown key; did you mean "greeting"\?\n1 problem;/);
  t.end();
});

void t.test("unknown deployment and unknown recipe come with the name that was meant", (t) => {
  t.throws(() => makePlan({ ...request, deployment: "toy-2" }, toyLab, recipes), {
    constructor: NotFoundError,
    message: 'deployment toy-2: not in lab.yaml; did you mean "toy-1"?',
  });
  const lab = labOf([nodeSpec("a"), nodeSpec("b")], [deploymentSpec({ recipe: "tyo" })]);
  t.throws(() => makePlan(request, lab, recipes), {
    message: /deployments\.toy-1\.recipe: there is no recipe "tyo"; did you mean "toy"\?/,
  });
  t.end();
});

void t.test("a recipe's own problems stand beside its deployment", (t) => {
  const refusing = { ...toyRecipe, deploy: () => ({ problems: [{ at: "with.memmap", problem: "beyond the end of memory" }] }) };
  t.throws(() => makePlan(request, toyLab, new Map([["toy", refusing]])), {
    message: /^lab\.yaml:22:3 deployments\.toy-1\.with\.memmap: beyond the end of memory\n/,
  });
  t.end();
});

void t.test("acts that read outputs count with the time their step gives them", (t) => {
  const recipe = recipeOf([step({ id: "build/a", acts: needingOutput, actsWithinMs: 1_200_000 })]);
  t.equal(makePlan(request, toyLab, new Map([["toy", recipe]])).view.steps[0]?.deadlineMs, 1_200_000);
  t.end();
});

void t.test("a recipe whose steps cannot be ordered is a defect, told with all of it", (t) => {
  const steps = [
    step({ id: "one/a", needs: ["two/a"] }),
    step({ id: "two/a", needs: ["three/a"] }),
    step({ id: "three/a", needs: ["one/a", "four/a"] }),
    step({ id: "five/a" }),
    step({ id: "six/a", acts: needingOutput }),
    step({ id: "five/a", node: "z" }),
  ];
  const error = t.throws(() => makePlan(request, toyLab, new Map([["toy", recipeOf(steps)]])), InternalError) as Error;
  for (const part of [
    "step five/a: this id is used twice",
    "step six/a: its acts read outputs, and it says no actsWithinMs",
    "step five/a: is on z, which is bound to no role",
    "step three/a: needs four/a, which is not a step of the plan",
    "steps wait for each other in a circle: one/a → two/a → three/a → one/a",
  ]) {
    t.ok(error.message.includes(part), part);
  }
  t.end();
});

void t.test("a step that awaits lines of a node without a console is refused before the run", (t) => {
  const lab = labOf([nodeSpec("a", { console: undefined }), nodeSpec("b")], [deploymentSpec()]);
  const recipe = recipeOf([step({ id: "boot/a", evidence: [consoleLine("banner", /x/, "it boots", 1000)] })]);
  t.throws(() => makePlan(request, lab, new Map([["toy", recipe]])), {
    message: /roles\.server: a has no console in the inventory and must be seen on one; add nodes\.a\.console/,
  });
  t.end();
});

function needingOutput({ outputs }: Known): Act[] {
  const path = outputs["check/a"]?.["path"];
  if (typeof path !== "string") throw new Error("step check/a has put out no path");
  return [{ kind: "remove-file", path }];
}
