/** Which steps may start. */
import t from "tap";
import type { Step } from "../../../../controller/deploy/recipe.js";
import { startable } from "../../../../controller/deploy/schedule.js";
import type { RunState, StepStatus } from "../../../../controller/deploy/run-state.js";
import { step } from "../../../support/deploy/step-recipe.js";

const steps = [
  step({ id: "one/a" }),
  step({ id: "two/a" }),
  step({ id: "one/b", uninterruptible: true }),
  step({ id: "last/b", needs: ["one/a", "one/b"] }),
];

function startableIds(
  status: Partial<Record<string, StepStatus>>,
  live: readonly string[] = [],
  stopping = false,
  of: readonly Step[] = steps,
) {
  const records = Object.fromEntries(of.map((each) => [each.id, { status: status[each.id] ?? "waiting" }]));
  return startable(of, { steps: records } as unknown as RunState, new Set(live), stopping).map((each) => each.id);
}

void t.test("nodes start side by side, each with its first step", (t) => {
  t.same(startableIds({}), ["one/a", "one/b"]);
  t.end();
});

void t.test("a node that works starts nothing else", (t) => {
  t.same(startableIds({ "one/a": "running" }, ["one/a"]), ["one/b"]);
  t.end();
});

void t.test("a barrier opens when all its needs have succeeded", (t) => {
  t.same(startableIds({ "one/a": "succeeded", "two/a": "succeeded", "one/b": "running" }, ["one/b"]), []);
  t.same(startableIds({ "one/a": "succeeded", "two/a": "succeeded", "one/b": "succeeded" }), ["last/b"]);
  t.end();
});

void t.test("a step an earlier controller began goes before new ones on its node", (t) => {
  t.same(startableIds({ "two/a": "running", "one/b": "succeeded" }), ["two/a"]);
  t.end();
});

void t.test("when the run stops, only begun steps that must be finished go on", (t) => {
  t.same(startableIds({ "one/a": "running", "one/b": "running" }, [], true), ["one/b"]);
  t.same(startableIds({}, [], true), []);
  t.end();
});
