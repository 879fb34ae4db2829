import t from "tap";
import { awaited, startEvidence, stepEvidence, type EvidenceEvent } from "../../../../controller/deploy/evidence.js";
import { LineSplitter } from "../../../../controller/deploy/lines.js";
import type { Expectation } from "../../../../controller/deploy/recipe.js";

function expectation(id: string, pattern: RegExp, more: Partial<Expectation> = {}): Expectation {
  return { id, pattern, claim: `saw ${id}`, withinMs: 1000, where: "kernel", ...more };
}

function run(expectations: readonly Expectation[], text: string) {
  const splitter = new LineSplitter(0n);
  const lines = [...splitter.push(Buffer.from(text, "latin1")), ...splitter.breakOff()];
  const events: EvidenceEvent[] = [];
  let state = startEvidence(expectations);
  for (const line of lines) {
    const step = stepEvidence(state, line);
    state = step.state;
    if (step.event !== undefined) events.push(step.event);
  }
  return { state, told: events.map((event) => `${event.kind} ${event.expectation.id} @${event.line.offset}`), events };
}

t.test("proves expectations in order, each by its own line", async (t) => {
  const wanted = [expectation("a", /^up/), expectation("b", /^up/)];
  t.same(run(wanted, "[    1.000000] up\n").told, ["matched a @0"]);
  t.equal(awaited(run(wanted, "[    1.000000] up\n").state)?.id, "b");
  const both = run(wanted, "[    1.000000] up\n[    2.000000] up\n");
  t.same(both.told, ["matched a @0", "matched b @18"]);
  t.equal(awaited(both.state), undefined);
});

t.test("does not take a later line for an earlier expectation", async (t) => {
  const { told, state } = run([expectation("a", /^one/), expectation("b", /^two/)], "[    1.000000] two\n[    2.000000] one\n");
  t.same(told, ["matched a @19"]);
  t.equal(awaited(state)?.id, "b");
});

t.test("proves an optional line when it comes in its place and passes over it when not", async (t) => {
  const wanted = [expectation("a", /^one/, { optional: true }), expectation("b", /^two/), expectation("c", /^three/, { optional: true })];
  t.same(run(wanted, "[    1.000000] one\n[    2.000000] two\n").told, ["matched a @0", "matched b @19"]);
  const skipped = run(wanted, "[    1.000000] two\n[    2.000000] one\n");
  t.same(skipped.told, ["matched b @0"], "too late is not proven");
  t.equal(awaited(skipped.state), undefined, "what is left is optional");
});

t.test("fails at once at a line that says the wrong thing, and stands there", async (t) => {
  const wanted = [
    expectation("id", /LOCAL_ID:\s+(\d+)/, { check: (match) => (match[1] === "0" ? undefined : `node id is ${match[1]}, planned 0`) }),
  ];
  const { events, state } = run(wanted, "[    1.000000] fit: LOCAL_ID:   1\n");
  t.match(events, [{ kind: "failed", reason: "node id is 1, planned 0", line: { kernelSeconds: 1 } }]);
  t.equal(awaited(state)?.id, "id");
});

t.test("counts a line only where it must come from", async (t) => {
  const block = "[    1.000000] STDOUT: ---[\nnonce-1\n]---\n";
  t.same(run([expectation("n", /nonce-1/, { where: "program" })], `nonce-1\n[    0.500000] nonce-1\n${block}`).told, ["matched n @59"]);
  t.same(run([expectation("k", /nonce-1/)], block).told, []);
  t.same(run([expectation("any", /nonce-1/, { where: "any" })], block).told, ["matched any @28"]);
});

t.test("hands on what a match puts out and remembers the last line that says something", async (t) => {
  const wanted = [expectation("lid", /LID: (\d+)/, { outputs: (match) => ({ lid: Number(match[1]) }) })];
  const { events, state } = run(wanted, "[    1.000000] LID: 29\r\nlast words\r\n   \r\n");
  t.match(events, [{ kind: "matched", outputs: { lid: 29 } }]);
  t.equal(state.lastLine?.text, "last words");
});
