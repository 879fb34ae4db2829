/** What makes a run fail, and how it is told. */
import t from "tap";
import { AuthenticationError, errorFromCode, ExhaustedError, UnreachableError } from "../../../../proto/base/errors.js";
import type { Act, Step } from "../../../../controller/deploy/recipe.js";
import type { RunState } from "../../../../controller/deploy/run-state.js";
import type { FakeLab } from "../../../support/deploy/fake-lab.js";
import { deployToy, labWith, step } from "../../../support/deploy/step-recipe.js";
import { consoleLine } from "../../../support/deploy/toy-recipe.js";

const cycle: Act = { kind: "power", verb: "cycle", deadlineMs: 60_000 };
const make: Act = { kind: "command", argv: ["make", "-j4"], timeoutMs: 600_000 };

function boot(node: string, change: Partial<Step> = {}): Step {
  const evidence = [consoleLine("banner", /^toy version/, "toy runs", 180_000)];
  return step({ id: `boot/${node}`, watch: "from-here", acts: () => [cycle], evidence, ...change });
}

/** Starts the run, lets `meanwhile` happen a second later, and waits for the end. */
async function runToEnd(lab: FakeLab, meanwhile: () => void = () => {}): Promise<RunState> {
  const { runs } = await lab.controller();
  const { id } = await runs.start(deployToy, "ada");
  await lab.clock.advance(1000);
  meanwhile();
  return lab.untilEnded(runs, id);
}

void t.test("a crash line fails the run at once, with the line, its meaning and how the nodes stand", async (t) => {
  const lab = labWith([boot("a"), boot("b"), step({ id: "next/a", needs: ["boot/a", "boot/b"] })]);
  lab.node("a").onPower = () => lab.node("a").console?.lines("[    0.000000] toy version 7");
  lab.node("b").onPower = () => {
    lab.node("b").agentConnected = false;
    lab.node("b").console?.lines("[    9.801220] Kernel Panic - not syncing: Please check your network config!");
  };
  const { status, failure, steps, startedMs, endedMs } = await runToEnd(lab);
  t.equal(status, "failed");
  t.match(failure, {
    step: "boot/b",
    node: "b",
    summary: "b: [    9.801220] Kernel Panic - not syncing: Please check your network config!",
    cause: "kernel panic: the machine has stopped",
    state: "a: power on, Linux 3.10.0; b: power on, no agent",
    blame: "system",
    evidence: [{ node: "b", source: { kind: "console", offset: "0", endOffset: "78" } }],
    next: ["lab tail b --boot -1", "lab undeploy toy-1", "lab deploy toy-1", /^lab record 2027/],
  });
  t.equal(steps["boot/b"]?.status, "failed");
  t.equal(steps["next/a"]?.status, "waiting");
  t.ok((endedMs ?? 0) - startedMs < 2000, "nobody waited for a deadline");
  t.same(await lab.leases.list(), []);
  t.same([lab.node("a").console?.followers, lab.node("b").console?.followers], [0, 0], "no console is followed any more");
});

void t.test("a machine that is away while the agent that reaches it is there is not told as connected", async (t) => {
  const lab = labWith([boot("a")]);
  lab.node("a").onPower = () => {
    lab.node("a").facts = () => Promise.reject(new UnreachableError("ssh root@a: connect: no answer in time"));
    lab.node("a").console?.lines("[    9.801220] Kernel Panic - not syncing: Please check your network config!");
  };
  const { failure } = await runToEnd(lab);
  t.match(failure?.state, /a: power on, gives no facts/);
});

void t.test("a crash fails the run whichever step runs meanwhile, also one on another node", async (t) => {
  const slow = step({ id: "build/b", needs: ["boot/a"], acts: () => [make] });
  const lab = labWith([boot("a"), slow]);
  lab.node("a").onPower = () => lab.node("a").console?.lines("[    0.000000] toy version 7");
  lab.node("b").onCommand = () => ({ tookMs: 300_000 });
  const ended = await runToEnd(lab, () => lab.node("a").console?.lines("[   60.000000] BUG: unable to handle kernel paging request"));
  t.match(ended.failure, { step: "boot/a", node: "a", summary: /BUG: unable to handle/ });
  t.equal(ended.steps["build/b"]?.status, "stopped");
  t.equal(lab.node("b").cancelledJobs.length, 1, "the build was cancelled");
});

void t.test("a failure line of the recipe is told with its meaning", async (t) => {
  const lab = labWith([boot("a")], [{ pattern: /^toy: no peer/, where: "kernel", meaning: "boot both together" }]);
  lab.node("a").onPower = () => lab.node("a").console?.lines("[    7.000000] toy: no peer");
  t.match((await runToEnd(lab)).failure, { summary: "a: [    7.000000] toy: no peer", cause: "boot both together", blame: "system" });
});

void t.test("panics before the mark, in a program's own output, and after the watch has ended do not count", async (t) => {
  const off = step({ id: "off/a", needs: ["boot/a"], watch: "until-here", acts: () => [cycle], evidence: [] });
  const wait = step({ id: "wait/a", needs: ["off/a"], evidence: [consoleLine("end", /^the end/, "the end", 60_000)] });
  const lab = labWith([boot("a"), off, wait]);
  const console = lab.node("a").console;
  const panic = "[    9.801220] Kernel panic - not syncing: old";
  console?.lines(panic);
  let boots = 0;
  lab.node("a").onPower = () => {
    boots += 1;
    if (boots === 1) console?.lines("[    0.100000] STDOUT: ---[", panic, "]---", "[    0.200000] toy version 7");
    else console?.lines(panic, "[   10.000000] the end");
  };
  t.equal((await runToEnd(lab)).status, "succeeded");
});

void t.test("a missed deadline says what was awaited, how long, and the last line seen", async (t) => {
  const lab = labWith([boot("a")]);
  lab.node("a").onPower = () => lab.node("a").console?.lines("[    4.700000] Booted up 1 node", "");
  const { failure, startedMs, endedMs } = await runToEnd(lab);
  t.match(failure, {
    summary: "a console: waited 180.0 s for toy runs; last seen: [    4.700000] Booted up 1 node",
    blame: "system",
    evidence: [{ claim: "the last line seen", source: { line: "[    4.700000] Booted up 1 node" } }],
  });
  t.equal((endedMs ?? 0) - startedMs, 180_000);
});

void t.test("each awaited line has its own time, counted from the one before", async (t) => {
  const two = [consoleLine("one", /^one/, "one", 10_000), consoleLine("two", /^two/, "two", 10_000)];
  const lab = labWith([step({ id: "boot/a", evidence: two })]);
  const console = lab.node("a").console;
  lab.clock.after(9000, () => console?.lines("[    9.000000] one"));
  lab.clock.after(18_000, () => console?.lines("[   18.000000] two"));
  t.equal((await runToEnd(lab)).status, "succeeded");
});

void t.test("a line missed where bytes were lost is the lab's matter", async (t) => {
  const lab = labWith([boot("a")]);
  const failed = await runToEnd(lab, () => lab.node("a").console?.gap("overrun", 212n));
  t.match(failed.failure, { blame: "lab", cause: /the line may be among 212 bytes lost, overrun/ });
});

void t.test("bytes lost before the step, or before the last proven line, excuse nothing", async (t) => {
  const second = consoleLine("second", /^second/, "second", 60_000);
  const lab = labWith([boot("a", { evidence: [consoleLine("first", /^first/, "first", 60_000), second] })]);
  const console = lab.node("a").console;
  console?.gap("line-down", 0n, 1_799_999_999_000);
  const failed = await runToEnd(lab, () => {
    console?.gap("overrun", 212n);
    console?.lines("[    1.000000] first");
  });
  t.match(failed.failure, { blame: "system", cause: "", summary: /for second; last seen: .* first/ });
  const silent = labWith([boot("a")]);
  silent.node("a").console?.gap("line-down", 0n, 1_799_999_999_000);
  t.match((await runToEnd(silent)).failure, { blame: "system", cause: "" });
});

void t.test("an agent that does not answer in time while its machine goes down is asked again", async (t) => {
  const lab = labWith([
    step({ id: "linux/a", evidence: [{ kind: "facts", claim: "Linux", withinMs: 60_000, judge: () => ({ ok: true }) }] }),
  ]);
  const other = lab.node("b");
  let asked = 0;
  lab.node("a").facts = () => {
    asked += 1;
    return asked < 3 ? Promise.reject(errorFromCode("deadline", "a: no answer within 30 s")) : other.facts();
  };
  t.equal((await runToEnd(lab)).status, "succeeded");
});

void t.test("a console that cannot be read is the lab's matter", async (t) => {
  const lab = labWith([boot("a")]);
  const console = lab.node("a").console;
  const failed = await runToEnd(lab, () => {
    if (console !== undefined) console.unreachable = "site agent rack1: not connected";
    console?.lines("[    0.000000] toy version 7");
  });
  t.match(failed.failure, { blame: "lab", cause: "the console cannot be read: site agent rack1: not connected" });
});

void t.test("a console whose line is down when a deadline passes is the lab's matter", async (t) => {
  const lab = labWith([boot("a")]);
  const console = lab.node("a").console;
  const failed = await runToEnd(lab, () => {
    if (console !== undefined) console.state = "connecting";
  });
  t.match(failed.failure, { blame: "lab", cause: /^the console is connecting/ });
});

void t.test("a run that has ended follows no console any more, however it ended", async (t) => {
  const met = labWith([boot("a")]);
  t.equal((await runToEnd(met, () => met.node("a").console?.lines("[    0.000000] toy version 7"))).status, "succeeded");
  t.equal(met.node("a").console?.followers, 0);
  const missed = labWith([boot("a")]);
  t.equal((await runToEnd(missed)).status, "failed");
  t.equal(missed.node("a").console?.followers, 0);
});

void t.test("the right line with the wrong content fails at once", async (t) => {
  const expectation = {
    id: "lid",
    pattern: /^LID: (\d+)/,
    where: "kernel" as const,
    claim: "the planned LID",
    withinMs: 60_000,
    check: (match: RegExpMatchArray) => (match[1] === "42" ? undefined : `LID is ${match[1]}, planned was 42`),
  };
  const lab = labWith([
    step({ id: "boot/a", evidence: [{ kind: "console", expectations: () => [expectation], describe: [expectation] }] }),
  ]);
  const failed = await runToEnd(lab, () => lab.node("a").console?.lines("[    1.000000] LID: 29"));
  t.match(failed.failure, { summary: "the planned LID: LID is 29, planned was 42", evidence: [{ claim: "what was seen instead" }] });
});

void t.test("a failed build shows the compiler's last lines", async (t) => {
  const lab = labWith([step({ id: "build/a", acts: () => [make] })]);
  lab.node("a").onCommand = () => ({
    exitCode: 2,
    stdout: "  CC x.o\n",
    stderr: "x.c:7:5: error: ';' expected\nmake: *** [x.o] Error 1\n",
  });
  t.match((await runToEnd(lab)).failure, {
    step: "build/a",
    summary: '"make -j4" ended with exit code 2',
    blame: "system",
    evidence: [{ source: { kind: "command", exitCode: 2, lines: ["x.c:7:5: error: ';' expected", "make: *** [x.o] Error 1"] } }],
  });
});

void t.test("exit code 0 proves nothing when the recipe's judgement says otherwise", async (t) => {
  const insmod: Act = { ...make, argv: ["insmod", "fit.ko"], expect: ({ stderr }) => ({ ok: false, reason: stderr.trim() }) };
  const lab = labWith([step({ id: "modules/a", acts: () => [insmod] })]);
  lab.node("a").onCommand = () => ({ exitCode: 0, stderr: "no link" });
  t.match((await runToEnd(lab)).failure, { summary: '"insmod fit.ko" did not do its work: no link' });
});

void t.test("a command that runs too long, cannot start, or is lost says so", async (t) => {
  const ends = [
    { command: { tookMs: 700_000 }, summary: '"make -j4" was still running after 600 s and was stopped', blame: "system" },
    {
      command: { state: "not-started", reason: "make: not found" },
      summary: '"make -j4" could not be started',
      cause: "make: not found",
      blame: "lab",
    },
    { command: { state: "lost", reason: "rebooted" }, summary: /was lost: the machine went down/, cause: "rebooted", blame: "lab" },
  ] as const;
  for (const { command, ...told } of ends) {
    const lab = labWith([step({ id: "build/a", acts: () => [make] })]);
    lab.node("a").onCommand = () => command;
    const { runs } = await lab.controller();
    const { id } = await runs.start(deployToy, "ada");
    t.match((await lab.untilEnded(runs, id, 700_000)).failure, told);
  }
});

void t.test("an agent that is away is waited for, as long as the act may take", async (t) => {
  const lab = labWith([step({ id: "build/a", acts: () => [make] })]);
  lab.node("a").agentConnected = false;
  const back = await runToEnd(lab, () => lab.clock.after(60_000, () => void (lab.node("a").agentConnected = true)));
  t.equal(back.status, "succeeded");
});

void t.test("an agent that never comes back is the lab's matter", async (t) => {
  const lab = labWith([step({ id: "edit/a", acts: () => [{ kind: "write-file", path: "/x", contents: "" }] })]);
  lab.node("a").agentConnected = false;
  t.match((await runToEnd(lab)).failure, {
    summary: "a: could not be reached for 60 s to write /x; check power, cable and agent",
    cause: "a: its agent is not connected",
    blame: "lab",
    next: ["lab nodes", "lab undeploy toy-1", "lab deploy toy-1", /^lab record/],
  });
});

void t.test("a wrong BMC password fails at once and as what it is", async (t) => {
  const lab = labWith([step({ id: "boot/a", acts: () => [cycle] })]);
  lab.node("a").powerFailure = new AuthenticationError("bmc a: different password or K_g");
  const { failure, startedMs, endedMs } = await runToEnd(lab);
  t.match(failure, { summary: "bmc a: different password or K_g", blame: "lab" });
  t.ok((endedMs ?? 0) - startedMs <= 1000);
});

void t.test("a full disk is told as the agent told it", async (t) => {
  const lab = labWith([step({ id: "edit/a", acts: () => [{ kind: "write-file", path: "/x", contents: "" }] })]);
  lab.node("a").files.write = () => Promise.reject(new ExhaustedError("a: write /x: no space left on device"));
  t.match((await runToEnd(lab)).failure, { summary: "a: write /x: no space left on device", blame: "lab" });
});

void t.test("an edit that does not fit the file fails with the recipe's words; one that changes nothing writes nothing", async (t) => {
  const edit = (text: string) => (text.includes("gone") ? { problem: "CONFIG_X is not there" } : { text: text.replace("x=0", "x=1") });
  const acts = (): Act[] => [
    { kind: "edit-file", path: "/one", edit },
    { kind: "edit-file", path: "/one", edit },
    { kind: "edit-file", path: "/two", edit },
  ];
  const lab = labWith([step({ id: "edit/a", acts })]);
  lab.node("a").fileTexts.set("/one", "x=0").set("/two", "gone");
  t.match((await runToEnd(lab)).failure, { summary: "/two: CONFIG_X is not there" });
  t.same(lab.node("a").done, ["write /one"]);
  t.equal(lab.node("a").fileTexts.get("/one"), "x=1");
});

void t.test("a requirement that is not met in time says what was seen last", async (t) => {
  const facts = { kind: "facts", claim: "LegoOS runs", withinMs: 10_000, judge: () => ({ ok: false, reason: "it is Linux" }) } as const;
  const lab = labWith([step({ id: "check/a", evidence: [facts] })]);
  t.match((await runToEnd(lab)).failure, {
    summary: "a: waited 10.0 s for LegoOS runs; last seen: it is Linux",
    evidence: [{ claim: "what was seen last", source: { kind: "reading", text: /^Linux 3\.10\.0/ } }],
    blame: "system",
  });
});

void t.test("a final verdict is not asked again", async (t) => {
  const judge = () => ({ ok: false, reason: "wrong kernel", final: true }) as const;
  const lab = labWith([
    step({ id: "check/a", evidence: [{ kind: "command", argv: () => ["uname"], claim: "kernel", withinMs: 60_000, judge }] }),
  ]);
  const { failure, startedMs, endedMs } = await runToEnd(lab);
  t.match(failure, { summary: "kernel: wrong kernel" });
  t.equal(lab.node("a").done.length, 1);
  t.ok((endedMs ?? 0) - startedMs <= 1000);
});

void t.test("when one step fails, the others stop, but what must be finished is finished", async (t) => {
  const lab = labWith([
    step({ id: "build/a", acts: () => [make] }),
    step({
      id: "flash/b",
      uninterruptible: true,
      acts: () => [
        { ...make, argv: ["flash"] },
        { ...make, argv: ["verify"] },
      ],
    }),
    step({ id: "after/b", needs: ["flash/b"], acts: () => [make] }),
  ]);
  lab.node("a").onCommand = () => ({ exitCode: 1, tookMs: 5000 });
  lab.node("b").onCommand = () => ({ tookMs: 20_000 });
  const ended = await runToEnd(lab);
  t.equal(ended.status, "failed");
  t.equal(ended.steps["flash/b"]?.status, "succeeded");
  t.equal(ended.steps["after/b"]?.status, "waiting");
  t.same(lab.node("b").done, ["run flash", "run verify"]);
  t.equal((ended.endedMs ?? 0) - ended.startedMs, 40_000);
});

void t.test("a step that must be finished and fails is not tried again, be it the first to fail or a later one", async (t) => {
  let tries = 0;
  const broken: Act = { kind: "edit-file", path: "/config", edit: () => ({ problem: `try ${(tries += 1)}` }) };
  const lab = labWith(["a", "b"].map((node) => step({ id: `flash/${node}`, node, uninterruptible: true, acts: () => [make, broken] })));
  for (const [node, tookMs] of [
    ["a", 1000],
    ["b", 20_000],
  ] as const) {
    lab.node(node).fileTexts.set("/config", "");
    lab.node(node).onCommand = () => ({ tookMs });
  }
  const ended = await runToEnd(lab);
  t.match(ended, { status: "failed", failure: { step: "flash/a", summary: "/config: try 1" } });
  t.equal(ended.steps["flash/b"]?.status, "stopped");
  t.equal(tries, 2);
});

void t.test("a lease released under the run stops it", async (t) => {
  const lab = labWith([step({ id: "build/a", acts: () => [make] })]);
  lab.node("a").onCommand = () => ({ tookMs: 300_000 });
  const { runs } = await lab.controller();
  const { id, lease } = await runs.start(deployToy, "ada");
  await lab.leases.release(lease?.id ?? "");
  const ended = await lab.untilEnded(runs, id);
  t.match(ended.failure, { summary: /^the lease of the run has ended under it/, step: "", blame: "lab" });
  t.equal(lab.node("a").cancelledJobs.length, 1);
});
