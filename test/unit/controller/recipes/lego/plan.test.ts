import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import type { Expectation, PlanDraft, Step } from "../../../../../controller/deploy/recipe.js";
import { lego } from "../../../../../controller/recipes/lego/lego.js";
import { findRecipe, recipes } from "../../../../../controller/recipes/index.js";
import { deployPlan, known, planInput, planned, plannedNode } from "../../../../support/recipe/lego-lab.js";
import { renderPlan } from "../../../../support/recipe/render-plan.js";

const golden = join(import.meta.dirname, "../../../../../../test/golden");

function step(plan: PlanDraft, id: string): Step {
  const found = plan.steps.find((each) => each.id === id);
  if (found === undefined) throw new Error(`no step ${id}`);
  return found;
}

function consoleLines(plan: PlanDraft, id: string): Expectation[] {
  return step(plan, id).evidence.flatMap((each) => (each.kind === "console" ? each.expectations(known) : []));
}

/** Everything that must have succeeded before this step. */
function before(plan: PlanDraft, id: string): Set<string> {
  const seen = new Set<string>();
  const visit = (each: string) => {
    for (const need of step(plan, each).needs) {
      if (!seen.has(need)) {
        seen.add(need);
        visit(need);
      }
    }
  };
  visit(id);
  return seen;
}

function sameAsGolden(t: Test, name: string, text: string) {
  const path = join(golden, name);
  if (process.env["LABD_UPDATE_GOLDEN"] === "1") writeFileSync(path, text);
  t.equal(text, readFileSync(path, "utf8"), `${name}; LABD_UPDATE_GOLDEN=1 writes it anew`);
}

t.test("the plan of 1P-1M-1S is the golden one", async (t) => {
  sameAsGolden(
    t,
    "lego-1p1m1s.plan.txt",
    renderPlan(deployPlan({ with: { program: ["/usr/bin/python", "/root/job.py", "--tag={nonce}"] } }), known),
  );
});

t.test("the plan of 1P-1M is the golden one", async (t) => {
  sameAsGolden(t, "lego-1p1m.plan.txt", renderPlan(deployPlan({ roles: { storage: [] } }), known));
});

t.test("the way back is the golden one", async (t) => {
  const back = planned(lego.undeploy(planInput({ previous: known.outputs })));
  sameAsGolden(t, "lego-1p1m1s.undeploy.txt", renderPlan(back, { ...known, agentConnected: false }));
});

t.test("every plan has steps with ids of their own that need only steps before them", async (t) => {
  for (const plan of [deployPlan(), deployPlan({ roles: { storage: [] } }), planned(lego.undeploy(planInput()))]) {
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

t.test("nothing is built before all trees agree, and nothing armed before every image is in place", async (t) => {
  const plan = deployPlan();
  for (const node of ["p0", "m0", "s0"]) t.ok(before(plan, `build/${node}`).has("cross-check/p0"));
  for (const node of ["p0", "m0", "s0"]) t.ok(before(plan, "cross-check/p0").has(`configure/${node}`));
  for (const node of ["p0", "m0"]) {
    for (const need of ["install/p0/image", "install/m0/image", "build/s0"]) t.ok(before(plan, `install/${node}/entry`).has(need));
    for (const need of ["install/p0/entry", "install/m0/entry"]) t.ok(before(plan, `power/${node}`).has(need));
  }
});

t.test("storage loads FIT when both managers wait for the subnet manager, without waiting for anything else of theirs", async (t) => {
  const plan = deployPlan();
  t.same(step(plan, "modules/s0/fit").needs, ["boot/p0", "boot/m0"]);
  for (const node of ["p0", "m0"]) t.equal(consoleLines(plan, `boot/${node}`).at(-1)?.id, "waits-for-mad");
  t.ok(before(plan, "join/p0").has("modules/s0/fit"));
  t.notOk(before(plan, "connect/p0").has("modules/s0/fit"), "the managers go on meanwhile");
});

t.test("one node's console is read by a chain of steps that make no mark after its power is cycled", async (t) => {
  const plan = deployPlan();
  const readers = plan.steps.filter((each) => each.node === "p0" && each.evidence.some(({ kind }) => kind === "console"));
  t.same(
    readers.map(({ id }) => id),
    ["check/p0/wiring", "boot/p0", "connect/p0", "join/p0", "prove/p0"],
  );
  for (const [index, reader] of readers.slice(1).entries()) {
    t.equal(reader.acts, undefined, `${reader.id} does not act`);
    const previous = readers[index]?.id ?? "";
    t.ok(before(plan, reader.id).has(previous), `${reader.id} after ${previous}`);
  }
});

t.test("power, install and insmod are never repeated blindly, and power lets nobody interrupt it", async (t) => {
  for (const each of deployPlan().steps) {
    const risky = /^(power|install|modules)\//.test(each.id);
    t.equal(each.repeat, risky ? "verify" : "repeatable", each.id);
    if (each.id.startsWith("power/")) t.match(each, { watch: "from-here", uninterruptible: true });
  }
});

t.test("only the processor gets memmap, and neither entry has an initrd or lacks linux16", async (t) => {
  const plan = deployPlan({ with: { memmap: "4G$8G" } });
  const entry = (id: string) => step(plan, id).acts?.(known)[0];
  t.match(entry("install/p0/entry"), {
    kind: "put-boot-entry",
    entry: { id: "labd-lego-processor", kernel: "/vmlinuz-4.0.0-lego-P+", arguments: "memmap=4G$8G", initrd: "", linux16: true },
  });
  t.match(entry("install/m0/entry"), { entry: { id: "labd-lego-memory", kernel: "/vmlinuz-4.0.0-lego-M+", arguments: "", linux16: true } });
});

t.test("the nonce is awaited from the program when its arguments carry it, else any output counts and the claim says so", async (t) => {
  t.match(consoleLines(deployPlan(), "prove/p0"), [{ id: "nonce", where: "program", pattern: /k793ac/ }]);
  const weaker = consoleLines(deployPlan({ with: { program: ["/usr/bin/python", "/root/job.py"] } }), "prove/p0");
  t.match(weaker, [{ id: "program-output", where: "kernel", claim: /no nonce/ }]);
  const linked = { storage: [] };
  t.match(consoleLines(deployPlan({ roles: linked }), "prove/p0"), [{ id: "nonce" }]);
  t.match(consoleLines(deployPlan({ roles: linked, with: { program: ["usr/general.o"] } }), "prove/p0"), [{ id: "program-output" }]);
});

t.test("without a storage node the memory manager links a program that carries the nonce", async (t) => {
  const acts = step(deployPlan({ roles: { storage: [] } }), "configure/m0").acts?.(known) ?? [];
  t.match(
    acts.find((act) => act.kind === "write-file"),
    { path: "/root/LegoOS/usr/labd_probe.c", contents: /printf\("labd k793ac\\n"\)/ },
  );
  t.ok(acts.some((act) => act.kind === "remove-file" && act.path.endsWith("ramfs/piggy.o")));
  t.ok(acts.some((act) => act.kind === "command" && act.argv.join(" ") === "make -C usr"));
});

t.test("a plan does not depend on values only a run can know", async (t) => {
  for (const each of deployPlan().steps)
    for (const requirement of each.evidence) if (requirement.kind === "console") t.ok(requirement.describe.length > 0, each.id);
});

t.test("a node still in Linux has its choice of the next boot taken back before it is power-cycled", async (t) => {
  const back = planned(lego.undeploy(planInput()));
  t.same(
    step(back, "power/p0")
      .acts?.({ ...known, agentConnected: true })
      .map(({ kind }) => kind),
    ["boot-once", "power"],
  );
  t.same(
    step(back, "power/p0")
      .acts?.({ ...known, agentConnected: false })
      .map(({ kind }) => kind),
    ["power"],
  );
});

t.test("storage is rebooted by its agent, and by power only when that is gone and there is power", async (t) => {
  const reboot = (agentConnected: boolean, hasPower: boolean) =>
    step(planned(lego.undeploy(planInput({ roles: { storage: [plannedNode("s0", { hasPower })] } }))), "reboot/s0")
      .acts?.({ ...known, agentConnected })
      .map(({ kind }) => kind);
  t.same(reboot(true, true), ["reboot"]);
  t.same(reboot(false, true), ["power"]);
  t.same(reboot(false, false), ["reboot"]);
});

t.test("the table of recipes finds lego by name", async (t) => {
  t.equal(findRecipe("lego")?.name, "lego");
  t.equal(findRecipe("logo"), undefined);
  t.equal(new Set(recipes.map(({ name }) => name)).size, recipes.length);
});
