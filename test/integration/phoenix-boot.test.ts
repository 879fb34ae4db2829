/** A kernel that does not come up: the one-shot entry is spent, and one power cycle leads back (facts: Phoenix §3, failure). */
import type { Test } from "tap";
import type { BootMenuSeen, Verdict } from "../../controller/deploy/recipe.js";
import type { RunState } from "../../controller/deploy/run-state.js";
import { misfortunes, oldRelease } from "../support/phoenix/misfortunes.js";
import type { PhoenixMachines } from "../support/phoenix/phoenix-machines.js";
import { altering, hasty, insteadDoing, unlooked } from "../support/wrong-recipe/altered-recipe.js";

/** Whatever stands first in the menu is taken for the new kernel. */
function firstEntry({ entries }: BootMenuSeen): Verdict {
  return { ok: true, outputs: { newEntry: entries[0]?.id ?? "" } };
}

async function isOldAgain(t: Test, machines: PhoenixMachines, name: string, { rescues }: RunState): Promise<void> {
  t.match(rescues[`boot/${name}`], { status: "done", title: `power cycle ${name} back into its old kernel` });
  t.match(await machines.lab.node(name).facts(), { kernelRelease: oldRelease }, "the old kernel runs again");
  t.match(await machines.undeploy(name), { status: "succeeded", failure: undefined }, "and the deployment can be taken back");
}

misfortunes("a kernel that does not come up costs one power cycle", [
  {
    says: "it is silent",
    faults: ["kernel-hangs"],
    alterations: (name) => [hasty(`boot/${name}`, 4_000)],
    fails: "boot",
    summary: /waited 4.0 s for Linux 5\.15\.94\+ runs, as a new boot/,
    afterwards: isOldAgain,
  },
  {
    says: "it panics, which is seen at once on the serial line",
    faults: ["kernel-panics"],
    fails: "boot",
    summary: /Kernel panic - not syncing: VFS: Unable to mount root fs/,
    cause: /kernel panic/,
    afterwards: isOldAgain,
  },
  {
    says: "it lacks the system calls",
    faults: ["kernel-lacks-calls"],
    fails: "boot",
    summary: /no __x64_sys_phx_restart in \/proc\/kallsyms/,
    afterwards: isOldAgain,
  },
  {
    says: "the old kernel is not pinned, and nobody looks: the power cycle leads into the kernel that hangs",
    faults: ["kernel-hangs"],
    alterations: (name) => [
      insteadDoing(`install/${name}/pin`, () => []),
      unlooked(`install/${name}/pin`),
      altering(`install/${name}/packages`, (of) => ({
        ...of,
        evidence: of.evidence.map((each) => (each.kind === "boot-menu" ? { ...each, judge: firstEntry } : each)),
      })),
      hasty(`boot/${name}`, 3_000),
      altering(`boot/${name}`, (of) =>
        of.rescue === undefined
          ? of
          : { ...of, rescue: { ...of.rescue, evidence: of.rescue.evidence.map((each) => ({ ...each, withinMs: 4_000 })) } },
      ),
    ],
    fails: "boot",
    summary: /waited 3.0 s/,
    afterwards: (t, machines, name, { rescues }) => {
      t.match(rescues[`boot/${name}`], { status: "failed" });
      t.notOk(machines.lab.node(name).agentConnected, "nothing brings it back by itself");
    },
  },
]);
