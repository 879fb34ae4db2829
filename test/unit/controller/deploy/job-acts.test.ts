/** Jobs that outlive their step: started once, signalled once, ended, whoever dies in between. */
import t from "tap";
import { type Act, type Known, type Look, startedJob, type Step } from "../../../../controller/deploy/recipe.js";
import { UnreachableError } from "../../../../proto/base/errors.js";
import type { FakeLab } from "../../../support/deploy/fake-lab.js";
import { killAtEachAppend } from "../../../support/deploy/kill-at-each-append.js";
import { deployToy, labWith, step } from "../../../support/deploy/step-recipe.js";

const jobOf = ({ outputs }: Known) => startedJob(outputs, "serve/a", "server")?.job ?? "";
const says = (claim: string, text: string): Look => ({
  kind: "job",
  claim,
  withinMs: 10_000,
  job: jobOf,
  judge: ({ stdout, state }) =>
    stdout.includes(text) ? { ok: true, lines: [text], outputs: { state } } : { ok: false, reason: `is ${state} and has not said so` },
});
const start: Act = { kind: "start", name: "server", argv: ["server", "--port", "1"], env: { HOME: "/root" }, timeoutMs: 0 };
const serve = step({ id: "serve/a", repeat: "verify", acts: () => [start], evidence: [says("it listens", "listening")] });
const fault = step({
  id: "fault/a",
  needs: ["serve/a"],
  repeat: "verify",
  actsWithinMs: 60_000,
  acts: (known) => [
    { kind: "pause", forMs: 5000, why: "let some time pass" },
    { kind: "signal", job: jobOf(known), signal: "SIGUSR1" },
    { kind: "pause", forMs: 2000, why: "and some more" },
    { kind: "signal", job: jobOf(known), signal: "SIGUSR1" },
  ],
  evidence: [says("it has failed over", "fault\nfault\n")],
});
const end = step({
  id: "end/a",
  needs: ["fault/a"],
  actsWithinMs: 60_000,
  acts: (known) => [{ kind: "end", job: jobOf(known) }],
  evidence: [
    {
      kind: "job",
      claim: "it has ended",
      withinMs: 5000,
      job: jobOf,
      judge: ({ state, signal, endedMs }) =>
        endedMs === undefined ? { ok: false, reason: "runs" } : { ok: true, outputs: { state, signal: signal ?? "" } },
    },
  ],
});

function serverLab(steps: readonly Step[] = [serve, fault, end]): FakeLab {
  const lab = labWith(steps);
  const { startedJobs } = lab.node("a");
  startedJobs.play = (job) => {
    lab.clock.after(1000, () => job.print("listening"));
    job.onSignal = () => job.print("fault");
  };
  return lab;
}

const wanted = ["start server --port 1", "signal SIGUSR1 server", "signal SIGUSR1 server", "end server"];

void t.test("a started job outlives its step, is signalled, seen and ended by later ones", async (t) => {
  const lab = serverLab();
  const { runs } = await lab.controller();
  const { id } = await runs.start(deployToy, "ada");
  const ended = await lab.untilEnded(runs, id);
  t.equal(ended.status, "succeeded", JSON.stringify(ended.failure));
  t.same(lab.node("a").done, wanted);
  t.match(startedJob(ended.outputs, "serve/a", "server"), { job: /^\d{8}-\d{4}-\w+\.serve\.a\.0$/, pid: 100, startedMs: Number });
  t.match(ended.outputs["end/a"], { state: "cancelled", signal: "SIGTERM" });
  t.match(lab.node("a").startedJobs.of("server").request, { argv: ["server", "--port", "1"], env: { HOME: "/root" }, timeoutMs: 0 });
  t.ok((ended.steps["fault/a"]?.endedMs ?? 0) - (ended.steps["fault/a"]?.beganMs ?? 0) >= 7000, "time has passed");
});

void t.test("killed at any append: one start, two signals, one end", async (t) => {
  let count = 0;
  for await (const { lab, ended, killed } of killAtEachAppend(serverLab)) {
    count += 1;
    t.equal(ended.status, "succeeded", `${killed}: ${JSON.stringify(ended.failure)}`);
    t.same(lab.node("a").done, wanted, killed);
  }
  t.ok(count > 40, `${count} boundaries were tried`);
});

void t.test("a job that cannot be started is tried once more, then fails the step", async (t) => {
  for (const failures of [1, 2]) {
    const lab = serverLab([serve]);
    let starts = 0;
    lab.node("a").startedJobs.play = (job) => {
      starts += 1;
      if (starts <= failures) job.finish({ state: "not-started", reason: "no such program", pid: 0 });
      else job.print("listening");
    };
    const { runs } = await lab.controller();
    const { id } = await runs.start(deployToy, "ada");
    const ended = await lab.untilEnded(runs, id);
    t.equal(starts, 2);
    if (failures === 1) t.equal(ended.status, "succeeded");
    else t.match(ended.failure, { summary: '"server --port 1" could not be started', cause: "no such program", blame: "lab" });
  }
});

void t.test("a job that ends too early is told by what it showed last", async (t) => {
  const lab = serverLab([serve]);
  lab.node("a").startedJobs.play = (job) => {
    job.print("cannot bind");
    job.exit(1);
  };
  const { runs } = await lab.controller();
  const { id } = await runs.start(deployToy, "ada");
  t.match((await lab.untilEnded(runs, id)).failure, {
    summary: /a: waited 10.0 s for it listens; .*is exited and has not said so/,
    evidence: [{ source: { kind: "command", exitCode: 1, lines: ["cannot bind"] } }],
  });
});

/** A server that tells by a file that it serves, and must not have ended. */
const writesFile = step({
  ...serve,
  evidence: [
    {
      kind: "file",
      path: () => "/status",
      wantText: true,
      claim: "it serves",
      withinMs: 300_000,
      judge: (file) => (file?.text === "serving" ? { ok: true } : { ok: false, reason: "the file is not there" }),
      meanwhile: {
        job: jobOf,
        judge: ({ state }) => (state === "running" ? { ok: true } : { ok: false, final: true, reason: `it has ${state}` }),
      },
    },
  ],
});

void t.test("a job that dies fails the wait for its file at once, not at the deadline", async (t) => {
  const lab = serverLab([writesFile]);
  lab.node("a").startedJobs.play = (job) => void lab.clock.after(2000, () => job.exit(0));
  const { runs } = await lab.controller();
  const { id } = await runs.start(deployToy, "ada");
  const ended = await lab.untilEnded(runs, id);
  t.match(ended.failure, { summary: "it serves: it has exited", evidence: [{ source: { kind: "command", exitCode: 0 } }] });
  t.ok((ended.endedMs ?? 0) - (ended.steps["serve/a"]?.beganMs ?? 0) < 10_000);
});

void t.test("a file that is the last thing a job has written counts", async (t) => {
  const lab = serverLab([writesFile]);
  const { startedJobs, files, fileTexts } = lab.node("a");
  // Between the look at the file and the look at the job.
  const { stat } = files;
  files.stat = async (path) => {
    const before = await stat(path);
    fileTexts.set("/status", "serving");
    startedJobs.of("server").exit(0);
    return before;
  };
  const { runs } = await lab.controller();
  const { id } = await runs.start(deployToy, "ada");
  const ended = await lab.untilEnded(runs, id);
  t.equal(ended.status, "succeeded", JSON.stringify(ended.failure));
});

void t.test("a job the node does not know fails what needs it at once, and is no hindrance to its end", async (t) => {
  const unknown = (act: Act) => step({ id: "x/a", acts: () => [act] });
  const outcomes = [
    { steps: [step({ id: "x/a", evidence: [says("it listens", "x")] })], summary: "it listens: a knows no job " },
    { steps: [unknown({ kind: "signal", job: "gone", signal: "SIGUSR1" })], summary: "a knows no job gone to send SIGUSR1 to" },
    { steps: [unknown({ kind: "end", job: "gone" })], summary: undefined },
  ];
  for (const { steps, summary } of outcomes) {
    const lab = labWith(steps);
    const { runs } = await lab.controller();
    const { id } = await runs.start(deployToy, "ada");
    t.equal((await lab.untilEnded(runs, id)).failure?.summary, summary);
  }
});

void t.test("a signal to a job that has ended is no failure", async (t) => {
  const lab = serverLab([
    serve,
    step({ ...fault, acts: (known) => [{ kind: "signal", job: jobOf(known), signal: "SIGINT" }], evidence: [] }),
  ]);
  lab.node("a").startedJobs.play = (job) => {
    job.print("listening");
    job.exit(0);
  };
  const { runs } = await lab.controller();
  const { id } = await runs.start(deployToy, "ada");
  t.equal((await lab.untilEnded(runs, id)).status, "succeeded");
  t.same(lab.node("a").done, ["start server --port 1"]);
});

void t.test("a start that is stopped before anybody knows its job leaves none behind", async (t) => {
  const lab = serverLab([serve]);
  const node = lab.node("a");
  const really = { ...node.jobs };
  // The job is there, and the answer never comes.
  node.jobs.start = async (request, options) => {
    await really.start(request, options);
    return new Promise((_, reject) => options.signal?.addEventListener("abort", () => reject(new UnreachableError("gone"))));
  };
  const { runs } = await lab.controller();
  const { id } = await runs.start(deployToy, "ada");
  await lab.clock.advance(3000);
  const cancelling = runs.cancel(id, "bob");
  await lab.clock.advance(2000);
  t.equal((await cancelling).status, "cancelled");
  t.same(node.done, ["start server --port 1", "end server"]);
});

void t.test("a cancel ends a pause at once; the rescue knows what the stopped step has started", async (t) => {
  const long: Step = {
    ...serve,
    acts: () => [start, { kind: "pause", forMs: 600_000, why: "for ever" }],
    rescue: { title: "end the server", acts: (known) => [{ kind: "end", job: jobOf(known) }], evidence: [] },
  };
  const lab = serverLab([long]);
  const { runs } = await lab.controller();
  const { id } = await runs.start(deployToy, "ada");
  await lab.clock.advance(10_000);
  const cancelling = runs.cancel(id, "bob");
  await lab.clock.advance(1000);
  t.match(await cancelling, { status: "cancelled", rescues: { "serve/a": { summary: "a rescued: end the server" } } });
  t.same(lab.node("a").done, ["start server --port 1", "end server"]);
  t.equal(lab.clock.pendingTimers, 0);
});

void t.test("what a job prints is shown while it is waited for", async (t) => {
  const lab = serverLab([serve]);
  const { startedJobs } = lab.node("a");
  startedJobs.play = (job) => {
    job.print("loading", "half done");
    lab.clock.after(3000, () => job.print("listening"));
  };
  const { runs } = await lab.controller();
  const { id } = await runs.start(deployToy, "ada");
  const lines = new Set<string>();
  const watching = (async () => {
    for await (const event of runs.watch(id, 1)) if (event.kind === "progress") lines.add(event.progress.lastLine);
  })();
  await lab.untilEnded(runs, id);
  await watching;
  t.ok(lines.has("half done"), [...lines].join(", "));
});
