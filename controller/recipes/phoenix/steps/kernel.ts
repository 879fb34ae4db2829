/**
 * The kernel: built, installed beside the old one, booted once (facts: Phoenix §1, build_kernel; §3 steps 3 and 4). The old kernel is
 * pinned before the new one is installed: Ubuntu boots the newest by itself, and 5.15.94+ is newer than any 5.15.0-x.
 */
import type { Act, FactsSeen, FileSeen, Json, Known, Look, Outputs, Step, Verdict } from "../../../deploy/recipe.js";
import { beforeFrom, type Before } from "../before.js";
import { judgeChoiceSpent, judgeDefault, judgeInstalled } from "../boot-menu.js";
import { type Design, minutes, phoenixRelease, scriptEnvironment, seconds, textFrom } from "../design.js";
import { judgeBuilt, judgeKernelPackages, judgeScript, kernelPackages } from "../packages.js";
import { removeStamps, standing, sums, writeStamp } from "../stamp.js";
import { failed, linesOf, notYet } from "../verdict.js";

export function kernelSteps(design: Design): Step[] {
  return [build(design), pin(design), install(design), boot(design)];
}

/** What the record step has read back. */
export function recorded({ ids }: Design, { outputs }: Known): Before {
  const before = beforeFrom(outputs[ids.record]);
  if (before === undefined) throw new Error(`step ${ids.record} has put out nothing`);
  return before;
}

function build(design: Design): Step {
  const { node, ids, parameters, paths } = design;
  const started = `${paths.notes}/kernel-started`;
  return {
    id: ids.kernel,
    phase: "kernel",
    node: node.name,
    title: `build_kernel.sh: ${phoenixRelease}, made and packaged`,
    needs: [ids.setup],
    repeat: "repeatable",
    standing: standing(design, "kernel"),
    acts: ({ nonce }) => [
      ...removeStamps(design, "kernel"),
      // By the node's own clock: what is newer is of this build.
      { kind: "write-file", path: started, contents: `${nonce}\n` },
      script(design, "./scripts/build_kernel.sh", parameters.kernelWithinMin),
    ],
    evidence: [
      {
        kind: "command",
        argv: () => ["find", paths.tree, "-maxdepth", "1", "-name", "*.deb", "-newer", started],
        claim: "this build has made the packages",
        withinMs: 30 * seconds,
        judge: judgeBuilt,
      },
      sums((known) => archivesOf(design, known).map((name) => `${paths.tree}/${name}`), "the packages' sums"),
    ],
  };
}

function script(design: Design, path: string, withinMin: number): Act {
  return {
    kind: "command",
    argv: [path],
    cwd: design.paths.tree,
    env: scriptEnvironment(design),
    timeoutMs: withinMin * minutes,
    expect: judgeScript,
  };
}

function archivesOf({ ids }: Design, { outputs }: Known): readonly string[] {
  const archives = outputs[ids.kernel]?.["archives"];
  return Array.isArray(archives) ? archives.map(String) : [];
}

/** Sorts behind everything else in its directory. /etc/default/grub itself stays as somebody wrote it. */
export const pinFile = "/etc/default/grub.d/99-labd-phoenix.cfg";

/** Makes `entry` the default of every boot. */
export function pinActs(entry: string): Act[] {
  return [
    {
      kind: "write-file",
      path: pinFile,
      contents: `# Written by labd: which kernel boots by itself. Removed by lab undeploy.\nGRUB_DEFAULT="${entry}"\n`,
    },
    updateGrub,
  ];
}

export const updateGrub: Act = { kind: "command", argv: ["update-grub"], timeoutMs: 3 * minutes };

function pin(design: Design): Step {
  const { node, ids } = design;
  return {
    id: ids.pin,
    phase: "install",
    node: node.name,
    title: "the old kernel pinned as the default of the boot menu",
    needs: [ids.kernel],
    repeat: "repeatable",
    actsWithinMs: 6 * minutes,
    acts: (known) => [...pinActs(recorded(design, known).entry), { kind: "boot-once", id: "" }],
    evidence: [
      {
        kind: "boot-menu",
        claim: "every boot is of the old kernel, whatever is installed",
        withinMs: 15 * seconds,
        judge: (menu, known) => judgeDefault(menu, recorded(design, known)),
      },
    ],
  };
}

function install(design: Design): Step {
  const { node, ids, paths } = design;
  const installed: Look = {
    kind: "command",
    argv: () => ["dpkg", "-s", ...kernelPackages],
    claim: "the packages of this build are installed",
    withinMs: 30 * seconds,
    judge: (result, { outputs }) => judgeKernelPackages(result, outputs[ids.kernel]?.["number"]),
  };
  const sameBuild: Look = {
    kind: "file",
    path: () => paths.installed,
    wantText: true,
    claim: "what was installed are these very packages: a fresh clone counts its builds from 1 again",
    withinMs: 15 * seconds,
    judge: (file, known) =>
      file?.text?.slice(file.text.indexOf("\n") + 1) === textFrom(known.outputs, ids.kernel, "stamp")
        ? { ok: true }
        : failed("packages of another build were installed, or none"),
  };
  const entries: Look = {
    kind: "boot-menu",
    claim: `the default is still the old kernel, and ${phoenixRelease} has an entry`,
    withinMs: 15 * seconds,
    judge: (menu, known) => judgeInstalled(menu, recorded(design, known)),
  };
  return {
    id: ids.install,
    phase: "install",
    node: node.name,
    title: "dpkg -i of the packages just built",
    needs: [ids.pin],
    repeat: "repeatable",
    standing: [sameBuild, installed, entries],
    actsWithinMs: 34 * minutes,
    acts: (known) => [
      writeStamp(design, "kernel", ids.kernel, known),
      { kind: "remove-file", path: paths.installed },
      {
        kind: "command",
        argv: ["dpkg", "-i", ...archivesOf(design, known)],
        cwd: paths.tree,
        env: { DEBIAN_FRONTEND: "noninteractive" },
        timeoutMs: 30 * minutes,
        expect: judgeScript,
      },
      { kind: "write-file", path: paths.installed, contents: installation(design, known) },
    ],
    evidence: [installed, entries],
  };
}

/** In which boot they were installed, and the packages' sums. */
function installation({ ids }: Design, { outputs }: Known): string {
  return `boot ${textFrom(outputs, ids.check, "bootId")}\n${textFrom(outputs, ids.kernel, "stamp")}`;
}

function boot(design: Design): Step {
  const { node, ids, parameters, paths } = design;
  const runs: Look = {
    kind: "facts",
    claim: `Linux ${phoenixRelease} runs, as a new boot`,
    withinMs: parameters.kernelWaitMin * minutes,
    judge: (facts, { outputs }) => judgeNewKernel(facts, outputs[ids.boot] ?? {}),
  };
  const since: Look = {
    kind: "file",
    path: () => paths.installed,
    wantText: true,
    claim: "it was booted after these packages were installed",
    withinMs: 15 * seconds,
    judge: (file, { outputs }) => judgeBootedSince(file, outputs[ids.boot]?.["bootId"]),
  };
  const calls: Look = {
    kind: "command",
    // By name: on other kernels the numbers are other calls.
    argv: () => ["grep", "-w", "__x64_sys_phx_restart", "/proc/kallsyms"],
    claim: "the kernel has Phoenix's system calls",
    withinMs: 30 * seconds,
    judge: judgeSymbols,
  };
  const spent: Look = {
    kind: "boot-menu",
    claim: "the choice was for this boot only: a power cycle leads back to the old kernel",
    withinMs: 15 * seconds,
    judge: (menu, known) => judgeChoiceSpent(menu, recorded(design, known)),
  };
  return {
    id: ids.boot,
    phase: "boot",
    node: node.name,
    title: `one boot into ${phoenixRelease}; back to the old kernel when it does not answer in ${parameters.kernelWaitMin} min`,
    needs: [ids.install],
    repeat: "verify",
    standing: [runs, since, calls],
    actsWithinMs: 3 * minutes,
    acts: ({ outputs }) => [{ kind: "boot-once", id: textFrom(outputs, ids.install, "newEntry") }, { kind: "reboot" }],
    rescue: {
      title: `power cycle ${node.name} back into its old kernel`,
      acts: () => [{ kind: "power", verb: "cycle", deadlineMs: 60 * seconds }],
      evidence: [
        {
          kind: "facts",
          claim: "the old kernel runs again",
          withinMs: parameters.kernelWaitMin * minutes,
          judge: (facts, known) => judgeOldKernel(facts, recorded(design, known).release),
        },
      ],
    },
    evidence: [runs, calls, spent],
    watch: "from-here",
  };
}

/** `seen`: what this step has put out; without the boot that was ended it is looked at for what stands already. */
export function judgeNewKernel({ kernelRelease, bootId }: FactsSeen, { endedBootId }: Outputs[string]): Verdict {
  if (bootId === endedBootId) return notYet("it is still the boot that is to end");
  if (kernelRelease !== phoenixRelease) return failed(`Linux ${kernelRelease} came up, not ${phoenixRelease}`);
  return { ok: true, lines: [`Linux ${kernelRelease}, boot ${bootId}`], outputs: { bootId } };
}

/** What runs may be the same release of an earlier build. */
export function judgeBootedSince(file: FileSeen | undefined, bootId: Json | undefined): Verdict {
  const installedIn = /^boot (\S+)\n/.exec(file?.text ?? "")?.[1];
  if (installedIn === undefined) return failed("in which boot the packages were installed is not known");
  return installedIn === bootId ? failed("it runs since before these packages were installed") : { ok: true };
}

export function judgeOldKernel({ kernelRelease, bootId }: FactsSeen, release: string): Verdict {
  if (kernelRelease === release) return { ok: true, lines: [`Linux ${kernelRelease}, boot ${bootId}`] };
  return notYet(`Linux ${kernelRelease} runs, not ${release}`);
}

/** `grep -w NAME /proc/kallsyms`. */
export function judgeSymbols({ stdout }: { readonly stdout: string }): Verdict {
  const lines = linesOf(stdout).filter((line) => /\b__x64_sys_phx_restart$/.test(line.trim()));
  return lines.length > 0 ? { ok: true, lines } : failed("no __x64_sys_phx_restart in /proc/kallsyms: this is another 5.15.94+");
}
