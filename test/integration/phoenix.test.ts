/** Phoenix on a simulated Ubuntu machine, without a wire between: deployed, exercised, taken back. */
import t, { type Test } from "tap";
import type { Json, Recipe, Report } from "../../controller/deploy/recipe.js";
import { phoenix } from "../../controller/recipes/phoenix/phoenix.js";
import { deploymentOf, PhoenixMachines } from "../support/phoenix/phoenix-machines.js";

const old = "5.15.0-91-generic";
const doing = (evidence: readonly { readonly step: string }[]) => new Set(evidence.map(({ step }) => step));

t.test("a machine is deployed, deployed again, exercised and taken back", async (t) => {
  const machines = await PhoenixMachines.start(t, { x0: {} });
  const grubConfig = machines.read("x0", "/boot/grub/grub.cfg");
  const { bootId } = await machines.lab.node("x0").facts();

  await t.test("it is proven by a process that survived, on the new kernel", async (t) => {
    const deployed = await machines.deploy("x0");
    t.match(deployed, { status: "succeeded", failure: undefined });
    t.match(deployed.outputs["run/x0/phx-1"], { mode: "phx", killTimeS: 120, exitCode: 1, downtimeUs: 80_000 });
    t.match(deployed.outputs["report/x0"], { rows: [{ mode: "phx", runs: 1, downtimeS: 0.08 }] });
    const facts = await machines.lab.node("x0").facts();
    t.match(facts, { kernelRelease: "5.15.94+" });
    t.not(facts.bootId, bootId);
    const menu = await machines.lab.node("x0").boot.menu();
    t.match(menu, { nextEntry: "", defaultEntry: /^gnulinux-advanced-[0-9a-f-]+>gnulinux-5\.15\.0-91-generic-advanced-/ });
    t.match(machines.read("x0", "/etc/default/grub"), /^GRUB_DEFAULT=0$/m, "what somebody wrote there stays");
    t.same(await machines.lab.leases.list(), []);
  });

  await t.test("a second deployment does only what does not stand already, and proves it anew", async (t) => {
    const again = await machines.deploy("x0");
    t.match(again, { status: "succeeded" });
    const standing = Object.entries(again.steps).flatMap(([id, step]) => (step.standing === true ? [id] : []));
    t.same(standing, [
      "source/x0",
      "setup/x0",
      "kernel/x0",
      "install/x0/packages",
      "boot/x0",
      "runtime/x0",
      "sysroot/x0",
      "tools/x0",
      "apps/x0",
    ]);
    t.match(
      again.outputs["record/x0"],
      { release: old, aslr: "2", sysctlLine: "" },
      "what was before is not what the first deployment made of it",
    );
    t.ok(doing(again.evidence).has("run/x0/phx-1"));
  });

  await t.test("a tree that was taken away is made anew, and nothing made of the old one stands for it", async (t) => {
    machines.write("x0", "/root/phoenix", undefined);
    const { bootId: earlier } = await machines.lab.node("x0").facts();
    const again = await machines.deploy("x0");
    t.match(again, { status: "succeeded", failure: undefined });
    t.match(again.outputs["kernel/x0"], { number: 1 }, "a fresh clone counts its builds from 1");
    const standing = Object.entries(again.steps).flatMap(([id, step]) => (step.standing === true ? [id] : []));
    t.same(standing, ["setup/x0"]);
    t.not((await machines.lab.node("x0").facts()).bootId, earlier, "what runs is the kernel just built");
    t.match((await machines.deploy("x0")).steps["kernel/x0"], { standing: true }, "and that stands from now on");
  });

  await t.test("every way of recovery is measured, whatever the scripts end with", async (t) => {
    const run = await machines.exercise("x0", { mode: "all", repeat: 2, case: 761 });
    t.match(run, { status: "succeeded", failure: undefined });
    const codes = ["vanilla", "builtin", "phx", "criu"].map((mode) => run.outputs[`run/x0/${mode}-2`]?.["exitCode"]);
    t.same(codes, [1, 1, 1, 0], "none of them says that all went well");
    const [table, chart] = phoenix.reports?.(run.outputs) ?? [];
    t.match(table, {
      columns: ["Mode", "Runs", "Downtime (s)", "5-sec Avail. (%)", "90% Time (s)"],
      rows: [
        ["vanilla", 2, Number],
        ["builtin", 2, Number],
        ["phx", 2, 0.08],
        ["criu", 2, Number],
      ],
    });
    checkChart(t, chart);
  });

  await t.test("a group that was used before is refused: the report would count its runs", async (t) => {
    t.match(await machines.exercise("x0", { group: "night" }), { status: "succeeded" });
    const { status, failure } = await machines.exercise("x0", { group: "night" });
    t.match({ status, failure }, { status: "failed", failure: { step: "ready/x0", summary: /result-761-night is there already/ } });
  });

  await t.test("afterwards it is the machine it was", async (t) => {
    const undeployed = await machines.undeploy("x0");
    t.match(undeployed, { status: "succeeded", failure: undefined });
    t.match(await machines.lab.node("x0").facts(), { kernelRelease: old });
    t.equal(machines.read("x0", "/boot/grub/grub.cfg"), grubConfig);
    t.notMatch(machines.read("x0", "/etc/sysctl.conf"), /randomize_va_space/);
    t.equal(machines.read("x0", "/proc/sys/kernel/randomize_va_space"), "2\n");
    const packages = machines.read("x0", "/var/lib/dpkg/status") ?? "";
    t.notMatch(packages, /5\.15\.94\+/);
    t.match(packages, /Package: linux-libc-dev\n[^]*?Version: 5\.15\.0-91\.101/);
    for (const path of ["/root/phoenix/scripts/env_setup.sh", "/root/sysroot/lib/libc.so.6", "/root/.labd-phoenix/before.json"])
      t.equal(machines.read("x0", path), undefined, path);
    t.same(undeployed.outputs["files/x0"]?.["left"], ["/root/.rustup", "/root/.cargo", "/root/.local/bin/wllvm"]);
  });

  await t.test("taken back once more, it stays as it is", async (t) => {
    t.match(await machines.undeploy("x0"), { status: "succeeded", failure: undefined });
    t.equal(machines.read("x0", "/boot/grub/grub.cfg"), grubConfig);
  });
});

function checkChart(t: Test, chart: Report | undefined): void {
  if (chart?.kind !== "chart") return void t.fail("no chart");
  t.same(chart.marks, [{ x: 120, label: "fault" }]);
  t.same(
    chart.series.map(({ name }) => name),
    ["vanilla", "builtin", "phx", "criu"],
  );
  const at = (mode: string, second: number) =>
    chart.series.find(({ name }) => name === mode)?.points.find(([x]) => x === second)?.[1] ?? -1;
  t.equal(at("builtin", 150), 0, "builtin is down for 53 s");
  t.ok(at("phx", 125) > 9_000, "phx is not");
  t.ok(at("vanilla", 300) < at("phx", 300) / 2, "vanilla comes back empty");
}

t.test("what was built is kept on request, and need not be built again", async (t) => {
  const machines = await PhoenixMachines.start(t, { x0: { with: { keep: true, defaultKernel: true } } });
  t.match(await machines.deploy("x0"), { status: "succeeded" });
  t.match(
    await machines.lab.node("x0").boot.menu(),
    { defaultEntry: /gnulinux-5\.15\.94\+-advanced/ },
    "the new kernel is the default, as asked for",
  );
  t.match(await machines.undeploy("x0"), { status: "succeeded", failure: undefined });
  t.match(await machines.lab.node("x0").facts(), { kernelRelease: old });
  t.ok(machines.read("x0", "/root/phoenix/scripts/env_setup.sh"));
  const again = await machines.deploy("x0");
  t.match(again, { status: "succeeded" });
  t.match(again.steps["kernel/x0"], { standing: true });
  t.match(again.outputs["kernel/x0"], { number: 1 } as Record<string, Json>);
  t.match(again.outputs["record/x0"], { release: old, aslr: "2" });
});

t.test("controllers come and go while it is built, booted and proven; nothing is done twice", async (t) => {
  const machines = await PhoenixMachines.start(t, { x0: {} });
  const interrupted = ["kernel/x0", "install/x0/packages", "boot/x0", "runtime/x0", "run/x0/phx-1"];
  let runs = await machines.lab.runs(phoenix as Recipe);
  const { id } = await runs.start({ deployment: deploymentOf("x0"), direction: "deploy", parameters: {} }, "ada");
  for (const step of interrupted) {
    // In the middle of what the step does: its acts have begun.
    for await (const event of runs.watch(id, 1))
      if (event.kind === "entry" && event.entry.type === "act-began" && event.entry.data.step === step) break;
    await runs.close();
    runs = await machines.lab.runs(phoenix as Recipe);
    await runs.resumeAll();
  }
  for await (const _ of runs.watch(id, 1));
  const ended = await runs.get(id);
  t.match(ended, { status: "succeeded", failure: undefined, resumes: interrupted.length });
  t.equal(machines.read("x0", "/root/phoenix/kernel/.version"), "1\n", "the kernel was built once");
  const facts = await machines.lab.node("x0").facts();
  t.match(ended.outputs["boot/x0"], { bootId: facts.bootId }, "and booted once");
  await runs.close();
});
