import t from "tap";
import { RunJournal } from "../../../../controller/deploy/run-journal.js";
import { FakeClock } from "../../../support/fake-clock.js";
import { MemoryJournal } from "../../../support/deploy/memory-journal.js";

void t.test("a journal from before there were exercises is read", async (t) => {
  const journal = new MemoryJournal();
  const plan = { deployment: "toy", direction: "deploy", title: "toy", nodes: ["a"], steps: [], digest: "" };
  const planned = { plan, nonce: "n", startedBy: "ada", parameters: {}, previous: {} };
  await journal.append("r1", 0, [{ type: "planned", data: planned, timeMs: 1 }]);
  const { state } = await RunJournal.open(journal, new FakeClock(), "r1");
  t.match(state, { status: "running", request: {}, recipe: undefined, plan: { exercise: undefined } });
});

void t.test("nothing is written after a run's end: its last entry tells the next controller that it has ended", async (t) => {
  const journal = new MemoryJournal();
  const plan = { deployment: "toy", direction: "deploy", title: "toy", nodes: ["a"], steps: [], digest: "" } as const;
  const planned = { plan, nonce: "n", startedBy: "ada", parameters: {}, previous: {} };
  const run = await RunJournal.begin(journal, new FakeClock(), "r1", planned);
  await Promise.all([
    run.append({ type: "ended", data: { outcome: "succeeded" } }),
    run.append({ type: "cancelling", data: { by: "bob" } }),
  ]);
  t.equal(run.state.status, "succeeded");
  t.equal((await journal.runs())[0]?.last.type, "ended");
});
