import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import type { Act, PlanDraft } from "../../../../../controller/deploy/recipe.js";
import { findRecipe } from "../../../../../controller/recipes/index.js";
import { phoenix } from "../../../../../controller/recipes/phoenix/phoenix.js";
import { plannedNode } from "../../../../support/recipe/lego-lab.js";
import {
  before,
  deployPlan,
  known,
  newEntry,
  oldEntry,
  planInput,
  requirementOf,
  runPlan,
  stepOf,
  undeployPlan,
} from "../../../../support/recipe/phoenix-lab.js";
import { renderPlan } from "../../../../support/recipe/render-plan.js";

const golden = join(import.meta.dirname, "../../../../../../test/golden");

function sameAsGolden(t: Test, name: string, text: string) {
  const path = join(golden, name);
  if (process.env["LABD_UPDATE_GOLDEN"] === "1") writeFileSync(path, text);
  t.equal(text, readFileSync(path, "utf8"), `${name}; LABD_UPDATE_GOLDEN=1 writes it anew`);
}

function actsOf(plan: PlanDraft, id: string, more = {}): readonly Act[] {
  return stepOf(plan, id).acts?.({ ...known, ...more }) ?? [];
}

function commandsOf(plan: PlanDraft): string[] {
  return plan.steps.flatMap(({ id }) => actsOf(plan, id).flatMap((act) => (act.kind === "command" ? [act.argv.join(" ")] : [])));
}

t.test("the plan of a deployment is the golden one", async (t) => {
  sameAsGolden(t, "phoenix.plan.txt", renderPlan(deployPlan(), known));
});

t.test("the plan of an experiment is the golden one", async (t) => {
  sameAsGolden(t, "phoenix.run.txt", renderPlan(runPlan({ mode: "criu,phx", repeat: 2, killTime: 60 }), known));
});

t.test("the way back is the golden one", async (t) => {
  sameAsGolden(t, "phoenix.undeploy.txt", renderPlan(undeployPlan(), known));
});

t.test("every plan has steps with ids of their own that need only steps before them, and everything is proven", async (t) => {
  for (const plan of [deployPlan({ with: { defaultKernel: true } }), undeployPlan(), runPlan({ mode: "all", repeat: 3 })]) {
    const seen = new Set<string>();
    for (const each of plan.steps) {
      t.notOk(seen.has(each.id), `${each.id} once`);
      for (const need of each.needs) t.ok(seen.has(need), `${each.id} needs ${need}, which stands before it`);
      t.match(each.id, new RegExp(`^${each.phase}/${each.node}(/|$)`));
      t.ok(each.evidence.length > 0, `${each.id} has evidence`);
      seen.add(each.id);
    }
  }
});

t.test("no script is ever given an argument that rewrites fstab and passwords", async (t) => {
  const commands = [...commandsOf(deployPlan()), ...commandsOf(runPlan()), ...commandsOf(undeployPlan())];
  t.ok(commands.includes("./scripts/env_setup.sh"), "without any argument");
  t.same(
    commands.filter((command) => /\bqemu\b/.test(command)),
    [],
  );
});

t.test("the old kernel is pinned before the new one is installed, and that is booted for once only", async (t) => {
  const plan = deployPlan();
  t.ok(before(plan, "install/x0/packages").has("install/x0/pin"));
  t.match(actsOf(plan, "install/x0/pin"), [
    {
      kind: "write-file",
      path: "/etc/default/grub.d/99-labd-phoenix.cfg",
      contents: `# Written by labd: which kernel boots by itself. Removed by lab undeploy.\nGRUB_DEFAULT="${oldEntry}"\n`,
    },
    { kind: "command", argv: ["update-grub"] },
    { kind: "boot-once", id: "" },
  ]);
  t.match(actsOf(plan, "boot/x0"), [{ kind: "boot-once", id: newEntry }, { kind: "reboot" }]);
});

t.test("a node that does not come back is power-cycled, and the old kernel awaited", async (t) => {
  const { rescue, watch } = stepOf(deployPlan({ with: { kernelWaitMin: 7 } }), "boot/x0");
  t.equal(watch, "from-here", "a panic on the serial line fails the step at once");
  t.match(rescue?.acts(known), [{ kind: "power", verb: "cycle" }]);
  t.match(rescue?.evidence, [{ kind: "facts", withinMs: 420_000 }]);
});

t.test("the new system calls are looked up by name; none is tried by its number", async (t) => {
  const calls = requirementOf(stepOf(deployPlan(), "boot/x0"), "command", /system calls/);
  t.same(calls.argv(known), ["grep", "-w", "__x64_sys_phx_restart", "/proc/kallsyms"]);
});

t.test("everything that is built for the new kernel first asks which kernel runs", async (t) => {
  const plan = deployPlan();
  for (const id of ["runtime/x0", "sysroot/x0", "tools/x0", "apps/x0", "run/x0/phx-1"]) {
    t.ok(before(plan, id).has("boot/x0"), `${id} after the boot`);
    const acts = actsOf(plan, id);
    const asks = acts.findIndex((act) => act.kind === "command" && act.argv.join(" ") === "uname -r");
    const works = acts.findIndex((act) => act.kind === "command" && act.argv[0]?.startsWith("./") === true);
    t.ok(asks >= 0 && asks < works, id);
  }
});

t.test("a redis that is there is seen before anything is changed, and again before every run", async (t) => {
  const plan = deployPlan();
  requirementOf(stepOf(plan, "check/x0"), "command", /no redis of anybody else/);
  t.same(stepOf(plan, "check/x0").needs, []);
  requirementOf(stepOf(runPlan(), "ready/x0"), "command", /no redis runs/);
  for (const { id } of runPlan({ mode: "all", repeat: 2 }).steps.filter(({ phase }) => phase === "run"))
    t.match(actsOf(runPlan({ mode: "all", repeat: 2 }), id)[1], { kind: "command", argv: ["pgrep", "-l", "redis"] }, id);
});

t.test("what an older build or clone has left is removed or told apart", async (t) => {
  const plan = deployPlan();
  t.match(actsOf(plan, "kernel/x0").at(-2), { kind: "write-file", path: "/root/.labd-phoenix/kernel-started" });
  t.same(
    requirementOf(stepOf(plan, "kernel/x0"), "command", /this build/)
      .argv(known)
      .slice(-2),
    ["-newer", "/root/.labd-phoenix/kernel-started"],
  );
  const removed = actsOf(plan, "apps/x0").flatMap((act) => (act.kind === "remove-file" ? [act.path] : []));
  t.ok(removed.includes("/root/phoenix/apps/redis/code"), "the script ignores that it cannot clone into it");
  t.ok(removed.includes("/root/phoenix/apps/redis/rel-phx-72"));
});

t.test("long work is looked at before it is done, and what was never proven does not stand", async (t) => {
  for (const id of [
    "source/x0",
    "setup/x0",
    "kernel/x0",
    "install/x0/packages",
    "boot/x0",
    "runtime/x0",
    "sysroot/x0",
    "tools/x0",
    "apps/x0",
  ])
    t.ok((stepOf(deployPlan(), id).standing ?? []).length > 0, id);
  for (const id of ["check/x0", "ready/x0", "run/x0/phx-1", "report/x0"]) t.equal(stepOf(deployPlan(), id).standing, undefined, id);
});

t.test("what is built anew is not taken for what was made of the build before", async (t) => {
  const stamps = (id: string) =>
    actsOf(deployPlan(), id).flatMap((act) => (act.kind === "remove-file" ? (/(\w+)\.sha256$/.exec(act.path)?.[1] ?? []) : []));
  t.same(stamps("kernel/x0"), ["kernel", "runtime", "sysroot", "tools", "apps"]);
  t.same(stamps("runtime/x0"), ["runtime", "sysroot", "tools", "apps"]);
  t.same(stamps("apps/x0"), ["apps"]);
});

t.test("each run has a number and a folder of its own, and options with an equals sign", async (t) => {
  const plan = runPlan({ case: 7445, mode: "vanilla,builtin", repeat: 2, killTime: 90, group: "night" });
  t.same(
    plan.steps.map(({ id }) => id),
    ["ready/x0", "run/x0/vanilla-1", "run/x0/builtin-1", "run/x0/vanilla-2", "run/x0/builtin-2", "report/x0"],
  );
  t.match(actsOf(plan, "run/x0/builtin-2")[2], { argv: ["./runbuiltin.sh", "7445", "2", "-g=night", "-k=90"] });
  t.match(actsOf(runPlan(), "run/x0/phx-1")[2], { argv: ["./runphx.sh", "761", "1", "-g=labd-20261121-0312-k7", "-k=120"] });
});

t.test("runs follow each other: they share one port and one dump", async (t) => {
  const plan = runPlan({ mode: "all", repeat: 2 });
  const runs = plan.steps.filter(({ phase }) => phase === "run");
  t.equal(runs.length, 8);
  for (const [index, each] of runs.entries()) t.same(each.needs, [runs[index - 1]?.id ?? "ready/x0"]);
});

t.test("an experiment needs a deployment, and the exercise has a second name", async (t) => {
  t.throws(() => runPlan({}, { previous: {} }), /phoenix is not deployed; lab deploy phoenix first/);
  t.same(Object.keys(phoenix.exercises ?? {}), ["run", "experiment"]);
  t.equal(findRecipe("phoenix")?.name, "phoenix");
});

t.test("the new kernel becomes the default only when asked for, and only after the proof", async (t) => {
  t.notOk(deployPlan().steps.some(({ phase }) => phase === "default"));
  const plan = deployPlan({ with: { defaultKernel: true } });
  t.ok(before(plan, "default/x0").has("report/x0"));
  t.match(actsOf(plan, "default/x0")[0], { contents: new RegExp(`GRUB_DEFAULT="${newEntry.replaceAll("+", "\\+")}"`) });
});

t.test("undeploy cycles power only where no agent answers, and reboots only out of the new kernel", async (t) => {
  const plan = undeployPlan();
  t.same(actsOf(plan, "recall/x0", { agentConnected: true }), []);
  t.match(actsOf(plan, "recall/x0", { agentConnected: false }), [{ kind: "power", verb: "cycle" }]);
  t.match(actsOf(plan, "old-kernel/x0"), [{ kind: "reboot" }]);
  const old = { outputs: { ...known.outputs, "recall/x0": { ...known.outputs["recall/x0"], running: "5.15.0-91-generic" } } };
  t.same(actsOf(plan, "old-kernel/x0", old), []);
});

t.test("the built libc headers are removed before the distribution's are put back: apt does not replace them", async (t) => {
  const plan = undeployPlan();
  t.same(
    actsOf(plan, "packages/x0").map((act) => (act.kind === "command" ? act.argv.join(" ") : act.kind)),
    [
      "dpkg --purge --force-depends linux-image-5.15.94+ linux-headers-5.15.94+ linux-libc-dev",
      "apt-get install -y --reinstall linux-libc-dev",
    ],
  );
  t.ok(before(plan, "packages/x0").has("old-kernel/x0"), "never from the kernel that runs");
  const untouched = { outputs: { "recall/x0": { marked: true, toRemove: [], libcInstalled: true } } };
  t.same(actsOf(plan, "packages/x0", untouched), [], "a deployment that had installed nothing");
  const halfway = { outputs: { "recall/x0": { marked: true, toRemove: [], libcInstalled: false } } };
  t.match(actsOf(plan, "packages/x0", halfway), [{ argv: ["apt-get", "install", "-y", "--reinstall", "linux-libc-dev"] }]);
});

t.test("trees stay with keep, the record of what was before never does", async (t) => {
  const removed = (keep: boolean) =>
    actsOf(undeployPlan({ with: { keep } }), "files/x0").map((act) => (act.kind === "remove-file" ? act.path : ""));
  t.same(removed(false), ["/root/phoenix", "/root/sysroot", "/root/.labd-phoenix"]);
  t.same(removed(true), ["/root/.labd-phoenix/before.json"]);
});

t.test("what no deployment of ours has made is not taken away, even where it looks like Phoenix", async (t) => {
  const plan = undeployPlan({ previous: {} });
  const theirs = {
    outputs: {
      "recall/x0": {
        marked: false,
        running: "5.15.94+",
        bootId: "b",
        toRemove: ["linux-image-5.15.94+", "linux-libc-dev"],
        libcInstalled: true,
      },
    },
  };
  for (const { id } of plan.steps.filter(({ phase }) => phase !== "recall")) t.same(actsOf(plan, id, theirs), [], id);
  const unmarked = { outputs: { "recall/x0": { ...known.outputs["recall/x0"], marked: false } } };
  t.same(
    actsOf(plan, "files/x0", unmarked).map((act) => (act.kind === "remove-file" ? act.path : "")),
    ["/root/.labd-phoenix"],
    "a record without its mark: the deployment never came to clone",
  );
});

t.test("a node that cannot do it is refused with everything that is wrong", async (t) => {
  const node = plannedNode("b0", { arch: "aarch64", hasPower: false, console: undefined, reach: "ssh" });
  const draft = phoenix.deploy(planInput({ nodes: [node, plannedNode("x1")] }));
  t.match("problems" in draft ? draft.problems.map(({ at, problem }) => `${at}: ${problem}`) : [], [
    /^roles\.node: 2 nodes/,
    /b0 is aarch64; Phoenix's kernel is for x86_64 only/,
    /b0 has no agent of its own/,
    /b0 has no power control; .*only a power cycle leads back/,
    /b0 has no console; a panic .* serial line only/,
  ]);
});
