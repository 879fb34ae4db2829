import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import type { Act, PlanDraft, Step } from "../../../../../controller/deploy/recipe.js";
import { stepProblems } from "../../../../../controller/deploy/step-problems.js";
import { makePlan } from "../../../../../controller/deploy/plan.js";
import { hexo } from "../../../../../controller/recipes/hexo/hexo.js";
import { loadLab } from "../../../../../inventory/load.js";
import { findRecipe } from "../../../../../controller/recipes/index.js";
import { deployPlan, ended, exercise, type HexoPair, known, planInput, planned } from "../../../../support/recipe/hexo-pair.js";
import { renderPlan } from "../../../../support/recipe/render-plan.js";

const golden = join(import.meta.dirname, "../../../../../../test/golden");

function sameAsGolden(t: Test, name: string, plan: PlanDraft) {
  const path = join(golden, name);
  const text = renderPlan(plan, known);
  if (process.env["LABD_UPDATE_GOLDEN"] === "1") writeFileSync(path, text);
  t.ok(text === readFileSync(path, "utf8"), `${name} is as it was; LABD_UPDATE_GOLDEN=1 writes it anew, git diff shows what has changed`);
}

function step(plan: PlanDraft, id: string): Step {
  const found = plan.steps.find((each) => each.id === id);
  if (found === undefined) throw new Error(`no step ${id}: ${plan.steps.map((each) => each.id).join(" ")}`);
  return found;
}

function before(plan: PlanDraft, id: string): Set<string> {
  const seen = new Set<string>();
  const visit = (each: string) => {
    for (const need of step(plan, each).needs) {
      if (seen.has(need)) continue;
      seen.add(need);
      visit(need);
    }
  };
  visit(id);
  return seen;
}

function actsOf(plan: PlanDraft): readonly Act[] {
  return plan.steps.flatMap((each) => each.acts?.(known) ?? []);
}

const held = {
  ...known.outputs,
  "running/x0": {
    application: {
      sequence: 1,
      side: "x86",
      directory: "/var/tmp/labd-hexo-hexo-npb-is/20261121-0300-h1/0",
      job: "job-9",
      sinceMs: 5,
      mode: "checkpoint",
    },
  },
};

const ways: Readonly<Record<string, HexoPair>> = {
  "hexo-checkpoint": {},
  "hexo-checkpoint-signal-from-arm": { with: { direction: "arm-to-x86", request: "signal", toolchain: { install: true, threads: 8 } } },
  "hexo-checkpoint-ping-pong": { with: { direction: "ping-pong", cflags: "-finstrument-functions", keepBuild: false } },
  "hexo-post-copy": { with: { mode: "post-copy" } },
  "hexo-post-copy-from-arm": { with: { mode: "post-copy", direction: "arm-to-x86", request: "signal" } },
  "hexo-post-copy-ping-pong": { with: { mode: "post-copy", direction: "ping-pong" } },
};

for (const [name, pair] of Object.entries(ways)) {
  t.test(`the plan of ${name} is the golden one`, async (t) => sameAsGolden(t, `${name}.plan.txt`, deployPlan(pair)));
}

t.test("holding an application, moving it and the way back are the golden ones", async (t) => {
  sameAsGolden(t, "hexo-hold.run.txt", planned(exercise("run", { hold: true }, { previous: known.outputs })));
  sameAsGolden(t, "hexo.migrate.txt", planned(exercise("migrate", { to: "arm" }, { previous: held })));
  sameAsGolden(t, "hexo.undeploy.txt", planned(hexo.undeploy(planInput({ previous: known.outputs, with: { keepBuild: false } }))));
});

t.test("a run without words is the deployment's own way, on what is built", async (t) => {
  const plan = planned(exercise("run", {}, { previous: known.outputs, with: { direction: "ping-pong", rounds: 3 } }));
  t.same(
    plan.steps.filter(({ phase }) => phase === "transfer").map(({ id }) => id),
    [1, 2, 3, 4, 5, 6].map((leg) => `transfer/x0/${leg}`),
  );
  t.notOk(plan.steps.some(({ phase }) => phase === "build"));
  const oneWay = planned(
    exercise("run", { direction: "arm-to-x86" }, { previous: known.outputs, with: { direction: "ping-pong", rounds: 3 } }),
  );
  t.equal(oneWay.steps.filter(({ phase }) => phase === "transfer").length, 1);
});

const plans = [
  ...Object.values(ways).map(deployPlan),
  planned(exercise("run", { hold: true }, { previous: known.outputs })),
  planned(exercise("migrate", { to: "arm" }, { previous: held })),
  planned(hexo.undeploy(planInput({ with: { keepBuild: false } }))),
];

t.test("every plan can be run: ids of their own, needs that stand before, known times", async (t) => {
  for (const plan of plans) {
    t.same(stepProblems(plan.steps, ["x0", "potato0"]), []);
    const seen = new Set<string>();
    for (const { id, needs, phase, node } of plan.steps) {
      for (const need of needs) t.ok(seen.has(need) || plan.steps.some((each) => each.id === need), `${id} needs ${need}`);
      t.match(id, new RegExp(`^${phase}/${node}(/|$)`));
      seen.add(id);
    }
  }
});

t.test("no shell, none of the template's targets that run or copy, no wildcard for checkpoint files", async (t) => {
  for (const plan of plans) {
    for (const act of actsOf(plan)) {
      if (act.kind !== "command" && act.kind !== "start") continue;
      t.notMatch(act.argv[0], /^(?:sh|bash|killall|pkill)$/);
      t.notOk(
        act.argv.some((word) => /test-arm|test-x86|transfer-|\*\.bin/.test(word)),
        act.argv.join(" "),
      );
    }
  }
});

t.test("both FULL_CHKPT variables go to every proxy, equal on both sides; only a resumed post-copy is told a server", async (t) => {
  for (const [name, pair] of Object.entries(ways)) {
    const starts = actsOf(deployPlan(pair)).filter((act) => act.kind === "start");
    const full = name.includes("post-copy") ? "0" : "1";
    t.ok(starts.length >= 2);
    for (const [index, { env = {}, timeoutMs }] of starts.entries()) {
      t.match(env, { HERMIT_FULL_CHKPT_SAVE: full, HERMIT_FULL_CHKPT_RESTORE: full, HERMIT_MIGRATE_RESUME: index === 0 ? "0" : "1" });
      t.match(env["HERMIT_MIGRATE_SERVER"], full === "0" && index > 0 ? /^10\.0\.0\.[12]0$/ : /^0$/);
      t.equal(timeoutMs, 0, "nothing but its own end or ours ends it");
    }
  }
});

t.test("the last proxy of a way is not asked to migrate again", async (t) => {
  for (const pair of Object.values(ways)) {
    const starts = actsOf(deployPlan(pair)).filter((act) => act.kind === "start");
    t.equal(starts.at(-1)?.env?.["HERMIT_MIGTEST"], "0");
  }
});

t.test("SIGUSR1 goes to the recorded job, after ready, and right after .status was read again", async (t) => {
  const plan = deployPlan({ with: { request: "signal", migtest: 3 } });
  t.ok(before(plan, "stop/x0/1").has("ready/x0/0"));
  const acts = step(plan, "stop/x0/1").acts?.(known) ?? [];
  t.match(acts, [
    { kind: "pause", forMs: 3000 },
    { kind: "command", argv: ["cat", /\.status$/] },
    { kind: "signal", job: "job-0", signal: "SIGUSR1" },
  ]);
  t.match(actsOf(plan).find((act) => act.kind === "start")?.env, { HERMIT_MIGTEST: "0" });
});

t.test("exactly the files of this checkpoint travel, one command each, by ssh without questions", async (t) => {
  const acts = step(deployPlan(), "transfer/x0/1").acts?.(known) ?? [];
  const names = ["bss.bin", "data.bin", "fds.bin", "heap.bin", "mdata.bin", "stack.bin.0", "tls.bin.0"];
  const ours = "/var/tmp/labd-hexo-hexo-npb-is/20261121-0312-k7";
  t.same(
    acts.map((act) => (act.kind === "command" ? act.argv : [])),
    names.map((name) => [
      "rsync",
      "-t",
      "--stats",
      "-e",
      "ssh -o BatchMode=yes -o ConnectTimeout=10 -p 2222",
      `${ours}/0/${name}`,
      `user@10.0.0.20:${ours}/1/`,
    ]),
  );
  const back = step(deployPlan({ with: { direction: "arm-to-x86" } }), "transfer/x0/1").acts?.(known) ?? [];
  t.match(back[0], { argv: ["rsync", "-t", "--stats", "-e", /^ssh/, `user@10.0.0.20:${ours}/0/bss.bin`, `${ours}/1/`] });
});

t.test("an application resumes only where every file has arrived as it was", async (t) => {
  for (const pair of Object.values(ways)) {
    const plan = deployPlan(pair);
    for (const { id, node } of plan.steps.filter(({ id }) => /^start\/.*\/[1-9]$/.test(id)))
      t.ok(before(plan, id).has(`arrived/${node}/${id.split("/")[2] ?? ""}`), id);
  }
});

t.test("in post-copy nothing ends the source: it ends by itself, watched beside the proof", async (t) => {
  const plan = deployPlan({ with: { mode: "post-copy" } });
  t.notOk(actsOf(plan).some((act) => act.kind === "end"));
  t.notOk(before(plan, "prove/potato0").has("served/x0/1"), "a board that fails is seen while its source waits for it");
  t.ok(before(plan, "served/x0/1").has("ready/potato0/1"));
  const pingPong = deployPlan({ with: { mode: "post-copy", direction: "ping-pong" } });
  t.ok(before(pingPong, "stop/potato0/2").has("pulling/potato0/1"));
  t.ok(before(pingPong, "stop/potato0/2").has("served/x0/1"), "memory that is still away would be missing in the next checkpoint");
});

t.test("however often it goes there and back, a machine holds one checkpoint of it", async (t) => {
  const plan = deployPlan({ with: { direction: "ping-pong", rounds: 3 } });
  const ours = "/var/tmp/labd-hexo-hexo-npb-is/20261121-0312-k7";
  for (const number of [2, 3, 4, 5, 6]) {
    const { id, acts } = step(plan, `stage/${number % 2 === 0 ? "x0" : "potato0"}/${number}`);
    t.match(acts?.(known)[0], { kind: "remove-file", path: `${ours}/${number - 2}`, recursive: true });
    t.ok(before(plan, id).has(`stop/${number % 2 === 0 ? "potato0" : "x0"}/${number}`), "what it came from is needed no more");
  }
  t.notOk(actsOf(deployPlan()).some((act) => act.kind === "remove-file" && act.path.startsWith(ours)));
});

t.test("a proxy that never gets ready is ended, by its job", async (t) => {
  const plan = deployPlan();
  t.match(step(plan, "ready/x0/0").rescue?.acts(known), [{ kind: "end", job: "job-0" }]);
  t.match(step(plan, "ready/potato0/1").rescue?.acts(known), [{ kind: "end", job: "job-1" }]);
});

t.test("undeploy ends every job that was started, then removes what they left, in our directories only", async (t) => {
  const plan = planned(hexo.undeploy(planInput({ previous: known.outputs, with: { workdir: "/", boardHome: "/home/user/" } })));
  const ends = (node: string) => step(plan, `end/${node}`).acts?.(known) ?? [];
  t.same(
    ends("x0").flatMap((act) => (act.kind === "end" ? [act.job] : [])),
    ["job-0", "job-1", "job-2"],
  );
  t.same(
    ends("potato0").flatMap((act) => (act.kind === "end" ? [act.job] : [])),
    ["job-0", "job-1"],
  );
  t.match(step(plan, "clean/x0").acts?.(known), [{ kind: "remove-file", path: "/labd-hexo-hexo-npb-is", recursive: true }]);
  t.match(step(plan, "clean/potato0").acts?.(known), [{ kind: "remove-file", path: "/home/user/labd-hexo-hexo-npb-is" }]);
  t.ok(before(plan, "clean/x0").has("end/potato0"));
});

t.test("the recipe is known by its name", async (t) => {
  t.equal(findRecipe("hexo"), hexo);
});

t.test("the build is made anew, in the class asked for, without asking the board anything", async (t) => {
  const acts = (pair: HexoPair) => step(deployPlan(pair), "build/x0").acts?.(known) ?? [];
  const argv = (pair: HexoPair) => acts(pair).map((act) => (act.kind === "command" ? act.argv.join(" ") : ""));
  const variables = "POPHERMIT=/opt/popcorn ARM_TARGET_HOME=/var/tmp";
  t.same(argv({ with: { class: "A", pophermit: "/opt/popcorn" } }), [
    `make clean ${variables}`,
    "ln -sf npbparams-A.h npbparams.h",
    `make ${variables}`,
    `make check ${variables}`,
  ]);
  t.notOk(
    argv({ with: { app: "apps/hello" } }).some((line) => line.startsWith("ln ")),
    "only NPB has classes",
  );
  t.match(
    acts({ with: { cflags: "-finstrument-functions" } })[0],
    { env: { CFLAGS: "-finstrument-functions" } },
    "beside the template's own",
  );
});

t.test("make's exit code is no build: programs must be new, and the class that was asked for", async (t) => {
  const { evidence } = step(deployPlan({ with: { class: "A" } }), "build/x0");
  const judge = (claim: RegExp, stdout: string) => {
    const found = evidence.find((each) => each.kind === "command" && claim.test(each.claim));
    return found?.kind === "command"
      ? found.judge(ended(stdout), { ...known, outputs: { "build/x0": { cleanedMs: 5_000_000 } } })
      : undefined;
  };
  const listed = (x86: string, arm: string) => `f 10 ${x86} prog_x86-64_aligned\nf 10 ${arm} prog_aarch64_aligned\n`;
  t.match(judge(/aligned/, listed("5001.5", "5002.5")), { ok: true });
  t.match(judge(/aligned/, listed("5001.5", "4000.0")), { final: true, reason: /prog_aarch64_aligned is older than this build/ });
  t.match(judge(/aligned/, "f 10 5001.5 prog_x86-64_aligned\n"), { final: true, reason: /the build has left no prog_aarch64_aligned/ });
  t.match(judge(/aligned/, listed("5001.5", "5002.5").replace("f 10", "f 0")), { final: true, reason: /has left no prog_x86-64_aligned/ });
  t.match(judge(/class/, "npbparams.h -> npbparams-A.h\n"), { ok: true });
  t.match(judge(/class/, "npbparams.h -> npbparams-B.h\n"), { final: true, reason: /is not a link to npbparams-A\.h but/ });
  t.match(judge(/class/, ""), { final: true, reason: /but not there/ });
});

t.test("the example inventories can be deployed as they stand", async (t) => {
  for (const name of ["demo-hexo", "hexo"]) {
    const lab = loadLab(join(golden, `../../inventory/examples/${name}.yaml`));
    for (const { name: deployment } of lab.deployments) {
      const plan = makePlan({ deployment, direction: "deploy", parameters: {}, previous: {} }, lab, new Map([["hexo", hexo]]));
      t.match(plan.view, { deployment, nodes: ["x0", "potato0"] });
    }
  }
});
