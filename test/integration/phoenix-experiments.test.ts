/** Experiments and the way back, done wrong: each mistake is seen, and the right way goes on from there (facts: Phoenix §2, §3). */
import t from "tap";
import type { Act } from "../../controller/deploy/recipe.js";
import { phoenix } from "../../controller/recipes/phoenix/phoenix.js";
import { PhoenixMachines } from "../support/phoenix/phoenix-machines.js";
import { type Alteration, altered, altering, firstDoing, insteadDoing, unlooked } from "../support/wrong-recipe/altered-recipe.js";

const nothing = () => [];

t.test("packages are told apart by number: build 10 is installed, not build 9", async (t) => {
  const machines = await PhoenixMachines.start(t, { x0: {} });
  const nine = ["linux-image-5.15.94+", "linux-headers-5.15.94+", "linux-libc-dev"].map(
    (each): Act => ({ kind: "write-file", path: `/root/phoenix/${each}_5.15.94+-9_amd64.deb`, contents: "{}" }),
  );
  const earlier = [...nine, { kind: "write-file", path: "/root/phoenix/kernel/.version", contents: "9\n" } as const];
  t.match(await machines.deploy("x0", altered(phoenix, [firstDoing("kernel/x0", ...earlier)])), { status: "succeeded" });
  t.match(machines.read("x0", "/var/lib/dpkg/status"), /Package: linux-image-5\.15\.94\+\n[^]*?Version: 5\.15\.94\+-10\n/);

  await t.test("case 12290 needs a tool that Phoenix does not ship", async (t) => {
    const { failure } = await machines.exercise("x0", { case: 12290 });
    t.match(failure, { step: "ready/x0", summary: /trigger needs an environment module waitpid that Phoenix does not ship/ });
    machines.write("x0", "/root/phoenix/modulefiles/waitpid", "#%Module1.0\n");
    t.match(await machines.exercise("x0", { case: 12290 }), { status: "succeeded" });
  });

  await t.test("without that tool, and without a look for it, redis is never crashed", async (t) => {
    machines.write("x0", "/root/phoenix/modulefiles/waitpid", undefined);
    const { failure } = await machines.exercise("x0", { case: 12290 }, altered(phoenix, [unlooked("ready/x0")]));
    t.match(failure, { step: "run/x0/phx-1", summary: /no FAULT: the trigger did not crash redis/ });
  });

  await t.test("a redis that appears before an experiment is not killed", async (t) => {
    machines.write("x0", "/proc/4242/comm", "redis-server\n");
    t.match((await machines.exercise("x0", {})).failure, { step: "ready/x0", summary: /redis runs here \(4242 redis-server\)/ });
    t.match((await machines.exercise("x0", {}, altered(phoenix, [unlooked("ready/x0")]))).failure, {
      step: "run/x0/phx-1",
      summary: /redis runs here/,
    });
    t.ok(machines.read("x0", "/proc/4242/comm"));
    machines.write("x0", "/proc/4242", undefined);
  });

  await t.test("earlier results in a group are counted by the report", async (t) => {
    t.match(await machines.exercise("x0", { group: "night" }), { status: "succeeded" });
    const again = altered(phoenix, [
      unlooked("ready/x0"),
      altering("run/x0/phx-1", (of) => ({
        ...of,
        acts: (known) =>
          (of.acts?.(known) ?? []).map((act) =>
            act.kind === "command" && act.argv[0] === "./runphx.sh"
              ? { ...act, argv: ["./runphx.sh", "761", "7", "-g=night", "-k=120"] }
              : act,
          ),
      })),
    ]);
    t.match((await machines.exercise("x0", { group: "night" }, again)).failure, {
      step: "report/x0",
      summary: /phx: the report counts 2 runs, 1 were made/,
    });
  });

  await t.test("an undeploy that ignores a trap fails, and the right one goes on where it stopped", async (t) => {
    const wrong = (...alterations: Alteration[]) => machines.undeploy("x0", altered(phoenix, alterations));
    const command = (argv: readonly string[]): Act => ({ kind: "command", argv, timeoutMs: 10_000 });
    const image = command(["dpkg", "--purge", "linux-image-5.15.94+"]);
    const running = await wrong(
      insteadDoing("old-kernel/x0", nothing),
      unlooked("old-kernel/x0"),
      insteadDoing("packages/x0", () => [image]),
    );
    t.match(running.failure, { step: "packages/x0", summary: /exit code 1/ }, "the package of the running kernel");
    const reinstalled = await wrong(
      insteadDoing("packages/x0", () => [command(["apt-get", "install", "-y", "--reinstall", "linux-libc-dev"])]),
    );
    t.match(reinstalled.failure, { step: "packages/x0", summary: /still installed: linux-image-5\.15\.94\+/ });
    const kept = ["linux-image-5.15.94+", "linux-headers-5.15.94+"];
    const built = await wrong(
      insteadDoing("packages/x0", () => [
        command(["dpkg", "--purge", "--force-depends", ...kept]),
        command(["apt-get", "install", "-y", "--reinstall", "linux-libc-dev"]),
      ]),
    );
    t.match(built.failure, { step: "packages/x0", summary: /linux-libc-dev is still the built one \(5\.15\.94\+-10\)/ });
    const hinted = await wrong(insteadDoing("packages/x0", () => [command(["dpkg", "-r", "linux-libc-dev"])]));
    t.match(hinted.failure, { step: "packages/x0", summary: /exit code 1/ }, "what build-essential depends on");
    const gone = await wrong(insteadDoing("packages/x0", () => [command(["dpkg", "--purge", "--force-depends", "linux-libc-dev"])]));
    t.match(gone.failure, { step: "packages/x0", summary: /linux-libc-dev is not installed: build-essential needs it/ });
    const randomized = await wrong(insteadDoing("sysctl/x0", nothing));
    t.match(randomized.failure, { step: "sysctl/x0", summary: /it says "kernel\.randomize_va_space = 0"/ });
    const pinned = await wrong(insteadDoing("grub/x0", nothing));
    t.match(pinned.failure, { step: "grub/x0", summary: /the default entry is "gnulinux-advanced-.*it was "" before/ });
    const left = await wrong(insteadDoing("files/x0", nothing));
    t.match(left.failure, { step: "files/x0", summary: /still there: \/root\/phoenix, \/root\/sysroot/ });
    t.match(await machines.undeploy("x0"), { status: "succeeded", failure: undefined });
    t.equal(machines.read("x0", "/proc/sys/kernel/randomize_va_space"), "2\n");
    t.match(machines.read("x0", "/var/lib/dpkg/status"), /Version: 5\.15\.0-91\.101/);
  });
});

t.test("CRIU that restores nothing prints its finish time all the same", async (t) => {
  const machines = await PhoenixMachines.start(t, { x0: { faults: ["criu-restore-fails"] } });
  t.match(await machines.deploy("x0"), { status: "succeeded" });
  t.match((await machines.exercise("x0", { mode: "criu" })).failure, { step: "run/x0/criu-1", summary: /CRIU Restore Failed!!!/ });
});
