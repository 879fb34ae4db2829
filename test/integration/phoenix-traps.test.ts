/** A recipe that ignores a trap of the facts sheet fails on simulated machines as it would on iron (facts: Phoenix §1, §2). */
import type { Act, Known, Step } from "../../controller/deploy/recipe.js";
import { misfortunes } from "../support/phoenix/misfortunes.js";
import { type Alteration, altering, firstDoing, insteadDoing, unlooked } from "../support/wrong-recipe/altered-recipe.js";

const inTree = (argv: readonly string[], more = {}): Act => ({
  kind: "command",
  argv,
  cwd: "/root/phoenix",
  timeoutMs: 60_000,
  env: { HOME: "/root" },
  ...more,
});
const whatever = { expect: () => ({ ok: true as const }) };
const nothing = () => [];
/** The acts of the recipe but those. */
const without = (step: string, drop: (act: Act) => boolean): Alteration =>
  altering(step, (of: Step) => ({ ...of, acts: (known: Known) => (of.acts?.(known) ?? []).filter((act) => !drop(act)) }));
const neverStanding = (step: string): Alteration => altering(step, (of: Step) => ({ ...of, standing: [] }));

misfortunes("a recipe that ignores a trap fails", [
  {
    says: "submodules are not asked for",
    alterations: (name) => [
      insteadDoing(`source/${name}`, () => [
        inTree(["git", "clone", "https://github.com/OrderLab/phoenix.git", "phoenix"], { cwd: "/root" }),
      ]),
    ],
    fails: "source",
    summary: /not checked out: compiler, glibc, kernel, userlib/,
  },
  {
    says: "the exit code of env_setup.sh is believed: the tools do not build",
    faults: ["apt-fails"],
    alterations: (name) => [unlooked(`setup/${name}`)],
    fails: "tools",
    summary: /Failed build scripts: tools\/install_ycsb\.sh/,
  },
  {
    says: "the kernel is built for a virtual machine",
    alterations: (name) => [
      insteadDoing(`kernel/${name}`, () => [
        { kind: "write-file", path: "/root/.labd-phoenix/kernel-started", contents: "" },
        inTree(["./scripts/build_kernel.sh", "qemu"]),
      ]),
    ],
    fails: "kernel",
    summary: /this build has left no package/,
  },
  {
    says: "an older build's packages are there, and this one leaves none",
    faults: ["kernel-leaves-no-package"],
    alterations: (name) => [
      firstDoing(
        `kernel/${name}`,
        ...["linux-image-5.15.94+", "linux-headers-5.15.94+", "linux-libc-dev"].map(
          (each): Act => ({ kind: "write-file", path: `/root/phoenix/${each}_5.15.94+-9_amd64.deb`, contents: "{}" }),
        ),
      ),
    ],
    fails: "kernel",
    summary: /this build has left no package: what is there is of an earlier one/,
  },
  {
    says: "the old kernel is not pinned: installing makes the new one the default",
    alterations: (name) => [insteadDoing(`install/${name}/pin`, nothing), unlooked(`install/${name}/pin`)],
    fails: "install/packages",
    summary: /the default entry is gnulinux-simple-.*vmlinuz-5\.15\.94\+.*booted by every power cycle/,
  },
  {
    says: "the runtime is built on the old kernel",
    alterations: (name) => [neverStanding(`boot/${name}`), insteadDoing(`boot/${name}`, nothing), unlooked(`boot/${name}`)],
    fails: "runtime",
    summary: /Linux 5\.15\.0-91-generic runs, not 5\.15\.94\+/,
  },
  {
    says: "the runtime's log is not read: the sysroot cannot be made",
    faults: ["glibc-fails"],
    alterations: (name) => [
      altering(`runtime/${name}`, (of) => ({
        ...of,
        acts: (known) =>
          (of.acts?.(known) ?? []).map((act) =>
            act.kind === "command" && act.argv[0] === "./scripts/build_runtime.sh" ? { ...act, ...whatever } : act,
          ),
      })),
    ],
    fails: "runtime",
    summary: /not there: \/root\/phoenix\/glibc\/build\/libc\.so/,
  },
  {
    says: "a link of the sysroot dangles",
    alterations: (name) => [firstDoing(`sysroot/${name}`, { kind: "remove-file", path: "/root/phoenix/userlib/build/lib/libphx.so" })],
    fails: "sysroot",
    summary: /not there: \/root\/sysroot\/lib\/libphx\.so/,
  },
  {
    says: "what an older clone of redis has left is built",
    alterations: (name) => [
      without(`apps/${name}`, (act) => act.kind === "remove-file" && act.path.endsWith("/code")),
      firstDoing(`apps/${name}`, { kind: "write-file", path: "/root/phoenix/apps/redis/code/README", contents: "of last year\n" }),
    ],
    fails: "run/phx-1",
    summary: /a FAULT and no NEWREQ after it/,
  },
  {
    says: "options are given without an equals sign",
    alterations: (name) => [
      altering(`run/${name}/phx-1`, (of) => ({
        ...of,
        acts: (known) =>
          (of.acts?.(known) ?? []).map((act) =>
            act.kind === "command" && act.argv[0] === "./runphx.sh" ? { ...act, argv: ["./runphx.sh", "761", "1", "-g", "night"] } : act,
          ),
      })),
    ],
    fails: "run/phx-1",
    summary: /Usage: \.\/runphx\.sh <case> <idx>/,
  },
]);
