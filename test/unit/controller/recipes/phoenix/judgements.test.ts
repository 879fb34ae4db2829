import t from "tap";
import type { BootMenuSeen, CommandOutcome, FactsSeen, FileSeen, Verdict } from "../../../../../controller/deploy/recipe.js";
import { formatBefore, judgeBefore, parseBefore } from "../../../../../controller/recipes/phoenix/before.js";
import { judgeChoiceSpent, judgeInstalled, judgeRestored, judgeWayBack } from "../../../../../controller/recipes/phoenix/boot-menu.js";
import {
  judgeBuilt,
  judgeEnded,
  judgeKernelPackages,
  judgePackages,
  judgeRemoved,
  judgeToRemove,
  newestBuild,
} from "../../../../../controller/recipes/phoenix/packages.js";
import { judgeSums, judgeUnchanged } from "../../../../../controller/recipes/phoenix/stamp.js";
import { judgeRun } from "../../../../../controller/recipes/phoenix/steps/experiment.js";
import { judgeBootedSince, judgeNewKernel, judgeSymbols } from "../../../../../controller/recipes/phoenix/steps/kernel.js";
import { judgeRuntime, judgeTools } from "../../../../../controller/recipes/phoenix/steps/runtime.js";
import { judgeModules, judgeRemote, judgeSubmodules } from "../../../../../controller/recipes/phoenix/steps/source.js";
import { withoutAslrLine } from "../../../../../controller/recipes/phoenix/steps/restore.js";
import { judgeReturn } from "../../../../../controller/recipes/phoenix/steps/undeploy.js";
import {
  judgeDisk,
  judgeGrubDisk,
  judgeMachine,
  judgeNoRedis,
  judgePaths,
  judgePresent,
  judgeSecureBoot,
  judgeSudo,
  judgeSysctl,
  judgeUbuntu,
} from "../../../../../controller/recipes/phoenix/ubuntu.js";
import { known, newEntry, oldEntry, oldRelease } from "../../../../support/recipe/phoenix-lab.js";

function said(stdout: string, more: Partial<CommandOutcome> = {}): CommandOutcome {
  return { exitCode: 0, state: "exited", stdout, stderr: "", startedMs: 1, endedMs: 2, ...more };
}

function file(text: string): FileSeen {
  return { kind: "file", sizeBytes: text.length, modifiedMs: 1, sha256: "aa", text };
}

function reason(verdict: Verdict): string {
  return verdict.ok ? "" : verdict.reason;
}

const facts: FactsSeen = {
  kernel: "Linux",
  kernelRelease: oldRelease,
  arch: "x86_64",
  bootId: "b",
  uptimeS: 9,
  cpuCount: 32,
  cpuModel: "Xeon",
  memoryBytes: 128e9,
  memoryAvailableBytes: 120e9,
  disks: [],
  modules: [],
  commandLine: "root=/dev/sda2 ro console=tty0 console=ttyS1,115200n8",
};

const entry = (id: string, release: string, more: { arguments: string } = { arguments: "ro" }) => ({
  id,
  title: id,
  kernel: `/boot/vmlinuz-${release}`,
  linux16: false,
  ...more,
});
const recovery = entry(oldEntry.replace("-advanced-", "-recovery-"), oldRelease, { arguments: "ro recovery nomodeset" });
const fresh: BootMenuSeen = {
  entries: [entry("gnulinux-simple", oldRelease), recovery, entry(oldEntry, oldRelease)],
  defaultEntry: "",
  nextEntry: "",
};
const installed: BootMenuSeen = {
  entries: [entry("gnulinux-simple", "5.15.94+"), entry(newEntry, "5.15.94+"), entry(oldEntry, oldRelease)],
  defaultEntry: oldEntry,
  nextEntry: "",
};
const before = { release: oldRelease, entry: oldEntry, defaultEntry: "", aslr: "2", sysctlLine: "" };

t.test("the machine", async (t) => {
  t.match(judgeMachine(facts, "ttyS1"), { ok: true, outputs: { kernelRelease: oldRelease, cpuCount: 32 } });
  t.match(reason(judgeMachine({ ...facts, memoryBytes: 8e9 }, "ttyS1")), /7 GiB of memory/);
  t.match(reason(judgeMachine(facts, "ttyS0")), /no console=ttyS0 on its command line/);
  t.match(reason(judgeMachine({ ...facts, arch: "aarch64", kernel: "Darwin" }, "ttyS1")), /Darwin runs.*aarch64/);
  const small = judgeMachine({ ...facts, cpuCount: 8, memoryBytes: 14e9 }, "ttyS1");
  t.match(
    small.lines,
    [/8 threads/, /more than 30 threads, here 8/, /2 GB of memory for each of 8 threads.*set jobs to 7/],
    "advice refuses nobody",
  );
});

t.test("disk, distribution, Secure Boot, GRUB's disk", async (t) => {
  const df = (free: number) => said(`Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sda2 500000000 1 ${free} 9% /\n`);
  t.ok(judgeDisk(df(97_700_000), false).ok, "100 GB are 97,656,250 kibibytes");
  t.match(reason(judgeDisk(df(97_000_000), false)), /92 GiB free at \/; .*100 GB/);
  t.ok(judgeDisk(df(1_000_000), true).ok, "what is missing may be what an earlier deployment has filled");
  t.match(reason(judgeDisk(said("", { stderr: "df: /root: No such file" }), false)), /df does not say/);
  t.ok(judgeUbuntu(file('PRETTY_NAME="Ubuntu 22.04.3 LTS"\nVERSION_ID="22.04"\nID=ubuntu\n')).ok);
  t.match(reason(judgeUbuntu(file('VERSION_ID="24.04"\nID=ubuntu\n'))), /ubuntu 24\.04; .*22\.04/);
  t.match(reason(judgeUbuntu(undefined)), /no \/etc\/os-release/);
  t.ok(judgeSecureBoot(said("SecureBoot disabled\n")).ok);
  t.ok(judgeSecureBoot(said("", { exitCode: 255, stderr: "EFI variables are not supported on this system\n" })).ok, "a legacy BIOS");
  t.match(reason(judgeSecureBoot(said("SecureBoot enabled\n"))), /Secure Boot is on/);
  t.match(reason(judgeSecureBoot(said(""))), /does not say/);
  t.ok(judgeGrubDisk(said("/dev/sda2 ext4\n")).ok);
  for (const bad of ["/dev/mapper/vg-root ext4", "/dev/md0 ext4", "/dev/sda2 btrfs"])
    t.match(reason(judgeGrubDisk(said(`${bad}\n`))), /only read/, bad);
});

t.test("trees that are there are ours or somebody's", async (t) => {
  const paths = { tree: "/root/phoenix", sysroot: "/root/sysroot", marker: "/root/.labd-phoenix/source-1" };
  t.match(judgePaths(said(""), paths), { ok: true, outputs: { resuming: false } });
  t.match(judgePaths(said(`${paths.tree}\n${paths.marker}\n`), paths), { ok: true, outputs: { resuming: true } });
  t.match(
    reason(judgePaths(said(`${paths.tree}\n${paths.sysroot}\n`), paths)),
    /\/root\/phoenix and \/root\/sysroot are there, not made by labd/,
  );
});

t.test("the way out, sudo, and tools that must be there are known by what they say, not by how they end", async (t) => {
  const head = `${"7".repeat(40)}\trefs/heads/sosp25\n`;
  t.ok(judgeRemote(said(head), "sosp25").ok);
  t.ok(judgeRemote(said(head.replace("heads", "tags")), "sosp25").ok);
  t.match(judgeRemote(said(""), "sosp25"), { ok: false, final: true, reason: "the repository has no branch sosp25" });
  t.notOk(judgeRemote(said(head.replace("heads/", "heads/old/")), "sosp25").ok, "ls-remote finds the ends of names");
  const noAnswer = judgeRemote(said("", { exitCode: 128, stderr: "fatal: unable to access: Could not resolve host\n" }), "sosp25");
  t.match(reason(noAnswer), /does not answer: is there a way out/);
  t.not(!noAnswer.ok && noAnswer.final, true, "it is asked again");
  t.ok(judgeSudo(said("0\n")).ok);
  t.match(reason(judgeSudo(said(""))), /not there or asks for a password/);
  t.match(reason(judgeSudo(said("1000\n"))), /not there or asks for a password/);
  t.ok(judgePresent(said("git version 2.34.1\n")).ok);
  t.match(reason(judgePresent(said(""))), /cannot be run/);
});

t.test("redis of anybody else, and sysctl.conf", async (t) => {
  t.ok(judgeNoRedis(said("", { exitCode: 1 })).ok);
  t.match(reason(judgeNoRedis(said("812 redis-server\n"))), /redis runs here \(812 redis-server\)/);
  t.match(judgeSysctl(file("#\n")), { outputs: { sysctlLine: "" } });
  t.match(judgeSysctl(file("#\nkernel.randomize_va_space = 0\n")), { outputs: { sysctlLine: "kernel.randomize_va_space = 0" } });
  t.notOk(judgeSysctl(file("kernel.randomize_va_space=1\n")).ok);
  t.equal(withoutAslrLine("a\nkernel.randomize_va_space = 0\nb\n").text, "a\nb\n");
});

t.test("a power cycle must lead back to the kernel that runs", async (t) => {
  const seen = { kernelRelease: oldRelease, resuming: false };
  t.match(judgeWayBack(fresh, seen), { ok: true, outputs: { release: oldRelease, entry: oldEntry, defaultEntry: "" } });
  t.match(
    reason(judgeWayBack(fresh, { ...seen, kernelRelease: "5.15.0-90-generic" })),
    /runs, but the default entry boots .*-91-generic: reboot first/,
  );
  t.match(reason(judgeWayBack({ ...fresh, entries: fresh.entries.slice(0, 1) }, seen)), /has no entry of its own/);
  t.match(reason(judgeWayBack({ ...fresh, defaultEntry: "gone" }, seen)), /"gone" is not in the boot menu/);
  t.match(reason(judgeWayBack(installed, seen)), /a kernel 5\.15\.94\+ is installed that labd has not put there/);
  t.ok(judgeWayBack(installed, { ...seen, resuming: true }).ok);
  t.ok(judgeWayBack(installed, { kernelRelease: "5.15.94+", resuming: true }).ok);
  t.match(reason(judgeWayBack(installed, { kernelRelease: "5.15.94+", resuming: false })), /runs already, and labd has not put it there/);
});

t.test("the boot menu after the packages, after the boot, and in the end", async (t) => {
  t.match(judgeInstalled(installed, before), { ok: true, outputs: { newEntry } });
  t.match(reason(judgeInstalled({ ...installed, defaultEntry: "" }, before)), /vmlinuz-5\.15\.94\+.*booted by every power cycle/);
  t.match(reason(judgeInstalled({ ...fresh, defaultEntry: oldEntry }, before)), /no entry for 5\.15\.94\+/);
  t.ok(judgeChoiceSpent(installed, before).ok);
  t.match(reason(judgeChoiceSpent({ ...installed, nextEntry: newEntry }, before)), /has stayed/);
  t.ok(judgeRestored(fresh, before).ok);
  t.match(reason(judgeRestored({ ...fresh, nextEntry: "x" }, before)), /the next boot is "x"/);
  t.match(reason(judgeRestored(installed, before)), /still boots 5\.15\.94\+/);
  t.match(reason(judgeRestored({ ...fresh, defaultEntry: oldEntry }, before)), /it was "" before/);
  t.ok(judgeRestored({ ...fresh, defaultEntry: oldEntry }, undefined).ok, "what is not known is not judged");
});

t.test("a build's packages: the highest number, counted", async (t) => {
  const build = (n: number) =>
    ["linux-image-5.15.94+", "linux-headers-5.15.94+", "linux-libc-dev"].map((name) => `${name}_5.15.94+-${n}_amd64.deb`);
  t.match(newestBuild([...build(9), ...build(10), "linux-image-5.15.94+-dbg_5.15.94+-11_amd64.deb"]), { number: 10, archives: build(10) });
  t.match(judgeBuilt(said([...build(9), ...build(10)].map((name) => `/root/phoenix/${name}`).join("\n"))), {
    ok: true,
    outputs: { number: 10 },
  });
  t.match(reason(judgeBuilt(said(""))), /this build has left no package/);
  t.match(reason(judgeBuilt(said(build(2).slice(0, 1).join("\n")))), /build 2 has no package linux-headers-5\.15\.94\+, linux-libc-dev/);
});

const status = (name: string, version: string, state = "install ok installed") =>
  `Package: ${name}\nStatus: ${state}\nVersion: ${version}\n\n`;

t.test("what dpkg says is installed", async (t) => {
  t.ok(judgePackages(said(status("git", "1")), ["git"]).ok);
  t.match(reason(judgePackages(said(status("git", "1", "deinstall ok config-files")), ["git", "cmake"])), /not installed: git, cmake/);
  const all = (version: string) =>
    ["linux-image-5.15.94+", "linux-headers-5.15.94+", "linux-libc-dev"].map((name) => status(name, version)).join("");
  t.ok(judgeKernelPackages(said(all("5.15.94+-10")), 10).ok);
  t.match(reason(judgeKernelPackages(said(all("5.15.94+-9")), 10)), /linux-image-5\.15\.94\+ is 5\.15\.94\+-9, wanted 5\.15\.94\+-10/);
  t.match(judgeToRemove(said(all("5.15.94+-1"))), {
    outputs: { toRemove: ["linux-image-5.15.94+", "linux-headers-5.15.94+", "linux-libc-dev"], libcInstalled: true },
  });
  t.match(judgeToRemove(said(status("linux-libc-dev", "5.15.0-91.101"))), { outputs: { toRemove: [], libcInstalled: true } });
  t.ok(judgeRemoved(said(status("linux-libc-dev", "5.15.0-91.101"))).ok);
  t.match(reason(judgeRemoved(said(status("linux-libc-dev", "5.15.94+-1")))), /still the built one/);
  t.match(reason(judgeRemoved(said(""))), /not installed: build-essential needs it/);
});

t.test("exit codes count where the sheet says so, and nowhere else", async (t) => {
  t.ok(judgeEnded(said("", { exitCode: 1 })).ok);
  t.notOk(judgeEnded(said("", { exitCode: undefined, state: "timed-out" })).ok);
  t.match(
    reason(judgeRuntime(said("…\nCompile glibc failed!\n"))),
    /Compile glibc failed! \(the script ended with exit code 0 all the same\)/,
  );
  t.match(reason(judgeRuntime(said("", { stderr: "Compile userlib failed!\n" }))), /Compile userlib failed!/);
  t.ok(judgeRuntime(said("[100%] Built target phx\n")).ok);
  t.match(reason(judgeTools(said("Failed build scripts: tools/install_criu.sh\n", { exitCode: 1 }))), /tools\/install_criu\.sh/);
  for (const exitCode of [0, 1, 143]) t.match(judgeRun(said("", { exitCode })), { ok: true, outputs: { exitCode } });
  for (const words of ["Cannot load redis/phx-72", "Command not found: ycsb", "Unknown case 1", "Cannot find script trigger-1.sh"])
    t.equal(reason(judgeRun(said(`${words}\n`, { exitCode: 1 }))), words);
  t.match(reason(judgeRun(said("", { exitCode: undefined, state: "timed-out" }))), /did not end by itself: timed-out/);
});

t.test("submodules and modules", async (t) => {
  const lines = ["compiler", "glibc", "kernel", "userlib"].map((name) => ` 0123456789abcdef ${name} (heads/main)`);
  t.ok(judgeSubmodules(said(lines.join("\n"))).ok);
  t.ok(judgeSubmodules(said(lines.join("\n").replace(" 0123", "+0123"))).ok, "the scripts check out other commits");
  t.match(
    reason(judgeSubmodules(said(lines.join("\n").replace(" 0123456789abcdef kernel", "-0123456789abcdef kernel")))),
    /not checked out: kernel/,
  );
  t.match(
    reason(judgeSubmodules(said(lines.slice(2, 3).join("\n")))),
    /no submodule glibc, userlib, compiler; is this the branch sosp25\?/,
  );
  const available = "criu  polygraph  redis/orig-72  redis/orig-7445  redis/phx-72  redis/phx-7445  ycsb";
  t.ok(judgeModules(said("", { stderr: `---- /root/phoenix/modulefiles ----\n${available}\n` })).ok, "they are named on standard error");
  t.match(reason(judgeModules(said("", { stderr: "ycsb\n" }))), /no module criu/);
});

t.test("the new kernel, its calls, and the old one again", async (t) => {
  const seen = { ...facts, kernelRelease: "5.15.94+", bootId: "new" };
  t.match(judgeNewKernel(seen, { endedBootId: "old" }), { ok: true });
  t.match(judgeNewKernel({ ...seen, bootId: "old" }, { endedBootId: "old" }), { ok: false, reason: /still the boot that is to end/ });
  t.match(judgeNewKernel({ ...facts, bootId: "new" }, { endedBootId: "old" }), {
    ok: false,
    final: true,
    reason: /Linux 5\.15\.0-91-generic came up/,
  });
  t.ok(judgeBootedSince(file("boot old\naa  /root/phoenix/linux-image\n"), "new").ok);
  t.match(reason(judgeBootedSince(file("boot new\naa  /root/phoenix/linux-image\n"), "new")), /since before these packages/);
  t.match(reason(judgeBootedSince(undefined, "new")), /is not known/);
  t.ok(judgeSymbols(said("ffffffff8112a3b0 T __x64_sys_phx_restart\n")).ok);
  t.notOk(judgeSymbols(said("ffffffff8112a3b0 T __x64_sys_phx_restart_hook\n")).ok);
  t.match(judgeReturn({ ...facts, bootId: "old" }, before, "old"), { ok: false, reason: /still the boot/ });
  t.match(judgeReturn(seen, before, "old"), { final: true, reason: /5\.15\.94\+ came up again/ });
  t.match(judgeReturn({ ...facts, kernelRelease: "5.15.0-92-generic" }, before, undefined), {
    final: true,
    reason: /it was 5\.15\.0-91-generic before/,
  });
  t.ok(judgeReturn(facts, undefined, undefined).ok);
});

t.test("what was proven stands while its sums do", async (t) => {
  const sum = "a".repeat(64);
  t.match(judgeSums(said(`${sum}  /a\n${sum}  /b\n`), ["/a", "/b"]), { ok: true, outputs: { stamp: `${sum}  /a\n${sum}  /b\n` } });
  t.match(
    reason(judgeSums(said(`${sum}  /a\n`, { exitCode: 1, stderr: "sha256sum: /b: No such file or directory\n" }), ["/a", "/b"])),
    /not there: \/b/,
  );
  t.ok(judgeUnchanged(said("/a: OK\n")).ok);
  t.notOk(judgeUnchanged(said("/a: OK\n/b: FAILED\n", { exitCode: 1 })).ok);
  t.notOk(judgeUnchanged(said("")).ok, "nothing proves nothing");
});

t.test("what was before is written down and read back", async (t) => {
  t.same(parseBefore(formatBefore(before)), before);
  t.equal(parseBefore('{"release":"5"}'), undefined);
  t.equal(parseBefore("no JSON"), undefined);
  t.match(judgeBefore(file(formatBefore(before))), { ok: true, outputs: before });
  t.match(reason(judgeBefore(undefined)), /the way back would not be known/);
  t.ok(known.outputs["record/x0"]);
});
