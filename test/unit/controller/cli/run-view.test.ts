import t from "tap";
import { failureLines, planLines, evidenceLines } from "../../../../controller/cli/run/run-lines.js";
import { runScreen } from "../../../../controller/cli/run/run-screen.js";
import { emptyRun, foldRun, phasesOf } from "../../../../controller/cli/run/run-view.js";
import { plainStyle, width } from "../../../../controller/cli/terminal.js";
import type { Plan, RunEvent } from "../../../../proto/gen/lab/v1/deployment.js";

const step = (id: string, phase: string, node: string) => ({
  id,
  phase,
  nodes: [node],
  title: `${phase} ${node}`,
  evidence: [`${node} has done it`],
  deadlineMs: 60_000n,
  needs: [],
  standing: [],
  rescue: "",
  rescueEvidence: [],
  repeat: phase === "boot" ? "verify" : "repeatable",
});
const plan: Plan = {
  deployment: "d",
  title: "two on p0, m0",
  direction: "deploy",
  exercise: "",
  nodes: ["p0", "m0"],
  steps: [step("build/p0", "build", "p0"), step("build/m0", "build", "m0"), step("boot/p0", "boot", "p0")],
  digest: "0123456789abcdef0123",
};
const told = (timeMs: number, event: RunEvent["event"]): RunEvent => ({ sequence: 1n, timeMs: BigInt(timeMs), event });

const story: RunEvent[] = [
  told(1000, { $case: "planned", value: plan }),
  told(1000, { $case: "stepBegan", value: "build/p0" }),
  told(1000, { $case: "stepBegan", value: "build/m0" }),
  told(4100, { $case: "stepSucceeded", value: "build/p0" }),
  told(5000, { $case: "stepSucceeded", value: "build/m0" }),
  told(5000, { $case: "stepBegan", value: "boot/p0" }),
  told(9000, {
    $case: "progress",
    value: {
      step: "boot/p0",
      node: "p0",
      doing: "FIT: waiting for MAD",
      lastLine: "[ 12.7] fit: wait",
      elapsedMs: 4000n,
      deadlineMs: 60_000n,
    },
  }),
];

t.test("a run's events fold into phases that say who is where", async (t) => {
  const view = story.reduce(foldRun, emptyRun);
  t.same(
    phasesOf(view).map((phase) => [phase.name, phase.status]),
    [
      ["build", "succeeded"],
      ["boot", "running"],
    ],
  );
});

t.test("the picture shows finished phases in one line and running nodes as bars, no wider than the terminal", async (t) => {
  const view = story.reduce(foldRun, emptyRun);
  const lines = runScreen(view, { nowMs: 9000, columns: 100, style: plainStyle, frame: 0 });
  t.same(lines, [
    " ✓ build     p0 3.1 s   m0 4.0 s",
    " ⠋ boot      p0 ▕█░░░░░░░░░░░░░░░░░░░▏ FIT: waiting for MAD  4.0 s of 1:00",
    "   p0 ▏[ 12.7] fit: wait",
  ]);
  for (const line of runScreen(view, { nowMs: 9000, columns: 30, style: plainStyle, frame: 3 })) t.ok(width(line) <= 30, line);
});

t.test("a failure is a bug report: the line it rests on, cause, state and next commands", async (t) => {
  const failure = {
    step: "boot/m0",
    node: "m0",
    summary: "kernel panic 9.8 s after its banner",
    cause: "an empty host name panics",
    state: "p0 and m0 stand in LegoOS",
    next: ["lab tail m0 --boot -1", "lab undeploy d"],
    evidence: [
      {
        step: "boot/m0",
        node: "m0",
        claim: "panic",
        source: { $case: "console" as const, value: { offset: 988_120n, endOffset: 988_190n, line: "Kernel Panic" } },
        timeMs: 0n,
      },
    ],
    blame: "system",
  };
  t.same(failureLines(failure, plainStyle), [
    "✗ boot/m0  m0  kernel panic 9.8 s after its banner",
    "  m0 @988,120 ▏Kernel Panic",
    "  cause  an empty host name panics",
    "  state  p0 and m0 stand in LegoOS",
    "  next   lab tail m0 --boot -1",
    "         lab undeploy d",
  ]);
  t.same(evidenceLines(failure.evidence, 200), ["  m0  console @988,120  panic  Kernel Panic"]);
});

t.test("a plan shows every step, node, deadline and evidence, and what is never done twice", async (t) => {
  const lines = planLines(plan, plainStyle);
  t.equal(lines[0], "two on p0, m0 · 3 steps in 2 phases");
  t.ok(lines.includes("  p0  boot p0  (at most 60 s, never done twice)"));
  t.equal(lines.filter((line) => line.includes("has done it")).length, 3);
  t.equal(lines.at(-1), "digest 0123456789abcdef; nothing was touched");
});

t.test(
  "a step whose result stood already takes no time, and a plan says what makes it unnecessary and what brings a node back",
  async (t) => {
    const events = story.map((each) =>
      each.event?.$case === "stepSucceeded" ? { ...each, event: { ...each.event, $case: "stepStanding" as const } } : each,
    );
    const [first] = runScreen(events.reduce(foldRun, emptyRun), { nowMs: 9000, columns: 100, style: plainStyle, frame: 0 });
    t.equal(first, " ✓ build     p0 stands already   m0 stands already");
    const steps = plan.steps.map((each) => ({
      ...each,
      standing: ["it is built (file)"],
      rescue: "old kernel",
      rescueEvidence: ["it runs (facts)"],
    }));
    const lines = planLines({ ...plan, steps }, plainStyle);
    for (const line of ["      unless    it is built (file)", "      rescue    old kernel", "        shows   it runs (facts)"])
      t.ok(lines.includes(line), line);
  },
);

t.test("a rescue is shown while it goes on and when it has ended, and the failure says what it came to", async (t) => {
  const rescue = (state: string, summary: string) =>
    told(9500, { $case: "rescue", value: { step: "boot/p0", node: "p0", title: "back to the old kernel", state, summary } });
  const failed = told(9100, {
    $case: "failed",
    value: {
      step: "boot/p0",
      node: "p0",
      summary: "",
      cause: "",
      state: "p0: power on, no agent",
      next: [],
      evidence: [],
      blame: "system",
    },
  });
  const progress = told(9600, {
    $case: "progress",
    value: { step: "boot/p0#rescue", node: "p0", doing: "power cycle", lastLine: "", elapsedMs: 0n, deadlineMs: 1n },
  });
  const screen = (events: RunEvent[]) =>
    runScreen(events.reduce(foldRun, emptyRun), { nowMs: 9000, columns: 100, style: plainStyle, frame: 0 }).at(-1);
  const running = [...story, failed, rescue("running", ""), progress];
  t.equal(screen(running), " ⠋ rescue    p0 back to the old kernel: power cycle");
  const done = [...running, rescue("done", "p0 rescued: Linux runs")];
  t.equal(screen(done), " ✓ rescue    p0 rescued: Linux runs");
  t.equal(done.reduce(foldRun, emptyRun).failure?.state, "p0: power on, no agent; p0 rescued: Linux runs");
});
