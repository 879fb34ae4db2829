/** A machine that is not fit, and scripts that fail without saying so, are found out where it happens (facts: Phoenix §1–§3). */
import type { Test } from "tap";
import { misfortunes, oldRelease } from "../support/phoenix/misfortunes.js";
import type { PhoenixMachines } from "../support/phoenix/phoenix-machines.js";
import { hasty } from "../support/wrong-recipe/altered-recipe.js";

function untouched(t: Test, machines: PhoenixMachines, name: string): void {
  t.equal(machines.read(name, "/root/.labd-phoenix/before.json"), undefined, "nothing was changed");
}

misfortunes("a machine that is not fit is refused before anything is changed", [
  {
    says: "Secure Boot",
    faults: ["secure-boot"],
    fails: "check",
    summary: /Secure Boot is on and the Phoenix kernel is not signed/,
    afterwards: untouched,
  },
  { says: "a small disk", faults: ["small-disk"], fails: "check", summary: /60 GiB free at \/; .*100 GB/, afterwards: untouched },
  { says: "sudo that asks", faults: ["sudo-asks"], fails: "check", summary: /asks for a password/, afterwards: untouched },
  {
    says: "no way out to the network",
    faults: ["no-network"],
    alterations: (name) => [hasty(`check/${name}`, 3_000)],
    fails: "check",
    summary: /the network reaches the repository, and it has the branch.*is there a way out to the network\?/,
    afterwards: untouched,
  },
  {
    says: "a boot choice GRUB cannot take back",
    faults: ["boot-on-lvm"],
    fails: "check",
    summary: /which GRUB can only read/,
    afterwards: untouched,
  },
  {
    says: "another distribution",
    sim: { distribution: "centos" },
    fails: "check",
    summary: /centos 7; .*Ubuntu 22\.04/,
    afterwards: untouched,
  },
  { says: "little memory", sim: { memory: "8G" }, fails: "check", summary: /8 GiB of memory; .*needs 12 GB/, afterwards: untouched },
  {
    says: "no configuration of the running kernel",
    first: (machines, name) => machines.write(name, `/boot/config-${oldRelease}`, undefined),
    fails: "check",
    summary: /config-5\.15\.0-91-generic is not there/,
    afterwards: untouched,
  },
  {
    says: "somebody's ~/phoenix",
    first: (machines, name) => machines.write(name, "/root/phoenix/thesis.tex", "\\begin{document}\n"),
    fails: "check",
    summary: /\/root\/phoenix is there, not made by labd/,
    afterwards: async (t, machines, name) => {
      untouched(t, machines, name);
      const undeployed = await machines.undeploy(name);
      t.match(undeployed, { status: "succeeded", failure: undefined });
      t.ok(machines.read(name, "/root/phoenix/thesis.tex"), "it is still there, also when the deployment is taken back");
      t.match(
        undeployed.evidence.filter(({ step }) => step === `recall/${name}`).map(({ source }) => JSON.stringify(source)),
        [String, String, /no mark of labd's: \/root\/phoenix and \/root\/sysroot stay/, String],
      );
    },
  },
  {
    says: "somebody's redis, which the experiments would kill",
    first: (machines, name) => machines.write(name, "/proc/4242/comm", "redis-server\n"),
    fails: "check",
    summary: /redis runs here \(4242 redis-server\); the experiments kill every redis by name/,
    afterwards: (t, machines, name) => {
      untouched(t, machines, name);
      t.ok(machines.read(name, "/proc/4242/comm"), "it still runs");
    },
  },
  {
    says: "a setting of sysctl.conf that the scripts would leave",
    first: (machines, name) => machines.write(name, "/etc/sysctl.conf", "kernel.randomize_va_space = 2\n"),
    fails: "check",
    summary: /says "kernel\.randomize_va_space = 2", and the scripts leave such a line/,
    afterwards: untouched,
  },
  {
    says: "a serial line the kernel does not speak on",
    first: (machines, name) => machines.write(name, "/proc/cmdline", "BOOT_IMAGE=/boot/vmlinuz root=/dev/sda2 ro\n"),
    fails: "check",
    summary: /no console=ttyS1 on its command line/,
    afterwards: untouched,
  },
]);

misfortunes("a script that fails is found out, whatever it ends with", [
  { says: "a submodule that is not checked out", faults: ["submodule-missing"], fails: "source", summary: /not checked out: kernel/ },
  {
    says: "packages: env_setup.sh ends with 0",
    faults: ["apt-fails"],
    fails: "setup",
    summary: /not installed: clang-15, llvm-15-dev, libclang-15-dev, maven/,
  },
  { says: "wllvm: env_setup.sh ends with 0", faults: ["pip-fails"], fails: "setup", summary: /wllvm is neither in/ },
  { says: "the kernel", faults: ["kernel-build-fails"], fails: "kernel", summary: /build_kernel\.sh" did not do its work: .*exit code 2/ },
  {
    says: "a kernel build without a package",
    faults: ["kernel-leaves-no-package"],
    fails: "kernel",
    summary: /this build has left no package/,
  },
  {
    says: "the C library: build_runtime.sh ends with 0",
    faults: ["glibc-fails"],
    fails: "runtime",
    summary: /Compile glibc failed! \(the script ended with exit code 0 all the same\)/,
  },
  {
    says: "the library: build_runtime.sh ends with 0",
    faults: ["userlib-fails"],
    fails: "runtime",
    summary: /Compile userlib failed! .*exit code 0/,
  },
  { says: "the compiler pass", faults: ["compiler-fails"], fails: "runtime", summary: /Compile compiler failed!/ },
  { says: "a tool", faults: ["criu-fails"], fails: "tools", summary: /Failed build scripts: tools\/install_criu\.sh/ },
  { says: "redis", faults: ["redis-build-fails"], fails: "apps", summary: /exit code 1/ },
  {
    says: "the proof: redis does not come back",
    faults: ["redis-stays-down"],
    fails: "run/phx-1",
    summary: /a FAULT and no NEWREQ after it: redis did not come back/,
  },
  {
    says: "the proof: redis is left running, and runphx.sh ends with 0",
    faults: ["redis-left-running"],
    alterations: (name) => [hasty(`run/${name}/phx-1`, 2_000)],
    fails: "run/phx-1",
    summary: /waited 2.0 s for no redis is left.*redis still runs: 20000 redis-server/,
    afterwards: (t, _, name, { outputs }) => void t.match(outputs[`run/${name}/phx-1`], { exitCode: 0 }),
  },
]);
