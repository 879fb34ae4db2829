/** Deployments as the contract tells them. */
import t from "tap";
import { InvalidArgumentError, NotFoundError } from "../../../../proto/base/errors.js";
import { RunEvent } from "../../../../proto/gen/lab/v1/deployment.js";
import type { Call } from "../../../../proto/rpc/service.js";
import { createDeploymentService } from "../../../../controller/api/deployment-service.js";
import type { Act, Look } from "../../../../controller/deploy/recipe.js";
import { FakeLab } from "../../../support/deploy/fake-lab.js";
import { labWith, step } from "../../../support/deploy/step-recipe.js";

const call: Call = { signal: new AbortController().signal, peer: { name: "ada", role: "operator" } };
const deploy = { deployment: "toy-1", direction: "deploy", parameters: {}, exercise: "", request: {} };
const make: Act = { kind: "command", argv: ["make"], timeoutMs: 60_000 };

async function serve(lab: FakeLab) {
  const { runs } = await lab.controller();
  return { runs, service: createDeploymentService({ runs, lab: () => lab.lab, recipes: lab.recipes }) };
}

async function collect(events: AsyncIterable<RunEvent>): Promise<RunEvent[]> {
  const seen: RunEvent[] = [];
  // Through the wire and back: what cannot be encoded fails here.
  for await (const event of events) seen.push(RunEvent.decode(RunEvent.encode(event).finish()));
  return seen;
}

void t.test("a plan is told step by step, and nothing is touched", async (t) => {
  const lab = new FakeLab();
  const { service } = await serve(lab);
  const plan = await service.getPlan({ ...deploy, parameters: { greeting: '"hi"' } }, call);
  t.match(plan, { deployment: "toy-1", title: "toy on a, b", direction: "deploy", nodes: ["a", "b"], digest: /^[0-9a-f]{64}$/ });
  t.match(
    plan.steps.find((each) => each.id === "boot/b"),
    {
      nodes: ["b"],
      deadlineMs: 280_000n,
      needs: ["check/a", "check/b", "arm/a"],
      repeat: "verify",
      evidence: ["it is on (power, within 10 s)", "toy runs (console, within 180 s)"],
    },
  );
  t.same(await lab.leases.list(), []);
  t.same((await service.listRuns({ deployment: "", limit: 0 }, call)).runs, []);
});

void t.test("a run is started by its caller, watched, and told with its evidence", async (t) => {
  const lab = new FakeLab();
  lab.bootsWell(() => "11-1111");
  lab.node("a").onCommand = () => ({ tookMs: 3000 });
  const { runs, service } = await serve(lab);
  const started = await service.startRun(deploy, call);
  t.match(started, { deployment: "toy-1", state: "running", startedBy: "ada", nonce: "11-1111", endedMs: 0n });
  const watched = collect(service.watchRun({ id: started.id, fromSequence: 0n }, call));
  await lab.untilEnded(runs, started.id);
  const told = (await watched).map((each) => each.event?.$case);
  t.same([told[0], told[1], told.at(-1)], ["planned", "leasedUntilMs", "ended"]);
  t.ok(["stepBegan", "progress", "evidence", "stepSucceeded"].every((each) => told.includes(each as never)));
  const run = await service.getRun({ id: "toy-1" }, call);
  t.match(run, { id: started.id, state: "succeeded" });
  t.same([...new Set(run.steps.map((each) => each.state))], ["succeeded"]);
  t.match(
    run.evidence.find((each) => each.step === "prove/a"),
    {
      node: "a",
      claim: "the program printed this run's nonce",
      source: { $case: "console", value: { line: "hello 11-1111", offset: BigInt } },
    },
  );
  const [view] = (await service.listDeployments({}, call)).deployments;
  t.match(view, {
    name: "toy-1",
    recipe: "toy",
    roles: [
      { role: "server", nodes: ["a"] },
      { role: "client", nodes: ["b"] },
    ],
    lastRun: { id: started.id },
  });
});

void t.test("a failed run tells its failure, and what was not reached was skipped", async (t) => {
  const lab = labWith([step({ id: "build/a", acts: () => [make] }), step({ id: "next/b", needs: ["build/a"] })]);
  lab.node("a").onCommand = () => ({ exitCode: 2, stderr: "x.c:7: error" });
  const { runs, service } = await serve(lab);
  const { id } = await service.startRun(deploy, call);
  await lab.untilEnded(runs, id);
  const events = await collect(service.watchRun({ id, fromSequence: 1n }, call));
  t.match(events.at(-2)?.event, {
    $case: "failed",
    value: {
      step: "build/a",
      blame: "system",
      evidence: [{ source: { $case: "command", value: { argv: ["make"], exitCode: 2, lines: ["x.c:7: error"] } } }],
    },
  });
  t.match(events.at(-1)?.event, { $case: "ended", value: "failed" });
  const { steps, failure } = await service.getRun({ id }, call);
  t.same(
    steps.map((each) => each.state),
    ["failed", "skipped"],
  );
  t.equal(failure?.node, "a");
});

void t.test("exercises are listed with their options, and run by name with what is asked of them", async (t) => {
  const lab = new FakeLab();
  lab.node("a").onCommand = () => ({ stdout: "12" });
  const { runs, service } = await serve(lab);
  const { deployment, exercises } = await service.listExercises({ deployment: "toy-1" }, call);
  t.equal(deployment, "toy-1");
  t.same(
    exercises.map(({ name, summary, options }) => [name, summary, options.length]),
    [
      ["ask", "ask it so many times", 3],
      ["move", "move it to another machine", 1],
    ],
  );
  t.same(exercises[0]?.options[0], {
    name: "times",
    description: "how often to ask",
    default: "2",
    type: "whole number",
    required: false,
  });
  t.match(exercises[1]?.options, [{ name: "to", default: "", type: "server|client", required: true }]);
  const run = await service.startRun({ ...deploy, direction: "run", exercise: "ask", request: { times: "1" } }, call);
  t.match(run, { direction: "run", plan: { exercise: "ask", title: "ask toy 1 times, every 10s" } });
  t.same((await service.getReports({ id: run.id }, call)).files, [], "no results yet");
  await lab.untilEnded(runs, run.id);
  t.equal((await service.listExercises({ deployment: run.id }, call)).deployment, "toy-1");
  const reports = await service.getReports({ id: "toy-1" }, call);
  t.match(reports, {
    run: run.id,
    files: [
      { name: "answers.txt", mediaType: "text/plain", text: /^ask\/a\/1 {7}12$/m },
      { name: "answers.csv", mediaType: "text/csv", text: "step,took ms\nask/a/1,12\n" },
      { name: "answer-times.csv", mediaType: "text/csv" },
      { name: "answer-times.svg", mediaType: "image/svg+xml", text: /^<svg / },
    ],
  });
  await t.rejects(service.listExercises({ deployment: "toy-2" }, call), { message: /did you mean "toy-1"/ });
});

void t.test("a cancel answers when the run has ended", async (t) => {
  const lab = labWith([step({ id: "build/a", acts: () => [make] })]);
  lab.node("a").onCommand = () => ({ tookMs: 50_000 });
  const { service } = await serve(lab);
  const { id } = await service.startRun(deploy, call);
  await lab.clock.advance(1000);
  const answer = service.cancelRun({ id }, call);
  await lab.clock.advance(1000);
  t.match(await answer, { state: "cancelled", steps: [{ state: "cancelled" }] });
});

void t.test("requests that make no sense are refused with all that is wrong", async (t) => {
  const { service } = await serve(new FakeLab());
  await t.rejects(service.startRun({ ...deploy, direction: "up" }, call), {
    constructor: InvalidArgumentError,
    message: /must be "deploy", "undeploy" or "run"/,
  });
  await t.rejects(service.getPlan({ ...deploy, parameters: { a: "x", b: "2G$4G" } }, call), {
    constructor: InvalidArgumentError,
    message: "parameter a: x is not JSON; text needs quotes\nparameter b: 2G$4G is not JSON; text needs quotes",
  });
  await t.rejects(service.startRun({ ...deploy, exercise: "ask" }, call), {
    constructor: InvalidArgumentError,
    message: 'direction "deploy": an exercise and its options go with direction "run" only',
  });
  await t.rejects(service.getRun({ id: "nope" }, call), NotFoundError);
  await t.rejects(service.cancelRun({ id: "nope" }, call), NotFoundError);
});

void t.test("what stood already, and what was done for a node after a failure, is told", async (t) => {
  const on: Look = { kind: "power", claim: "it is on", withinMs: 1000, state: "on" };
  const lab = labWith([
    step({ id: "build/a", standing: [on], acts: () => [make] }),
    step({
      id: "boot/a",
      needs: ["build/a"],
      acts: () => [make],
      rescue: { title: "switch a on", acts: () => [{ kind: "power", verb: "on", deadlineMs: 1000 }], evidence: [on] },
    }),
  ]);
  lab.node("a").onCommand = () => ({ exitCode: 1 });
  const { runs, service } = await serve(lab);
  const plan = await service.getPlan(deploy, call);
  t.match(plan.steps, [
    { standing: ["it is on (power, within 1 s)"], rescue: "", rescueEvidence: [] },
    { standing: [], rescue: "switch a on", rescueEvidence: ["it is on (power, within 1 s)"] },
  ]);
  const { id } = await service.startRun(deploy, call);
  const watched = collect(service.watchRun({ id, fromSequence: 0n }, call));
  await lab.untilEnded(runs, id);
  const told = (await watched).map(({ event }) => event);
  t.match(
    told.find((event) => event?.$case === "stepStanding"),
    { value: "build/a" },
  );
  t.match(
    told.filter((event) => event?.$case === "rescue").map((event) => event?.value),
    [
      { step: "boot/a", node: "a", title: "switch a on", state: "running", summary: "" },
      { step: "boot/a", node: "a", title: "switch a on", state: "done", summary: "a rescued: it is on" },
    ],
  );
  const run = await service.getRun({ id }, call);
  t.same(
    run.steps.map(({ state }) => state),
    ["standing", "failed"],
  );
  t.match(run.rescues, [{ step: "boot/a", state: "done", summary: "a rescued: it is on" }]);
  t.match(run.failure?.state, /; a rescued: it is on$/);
});
