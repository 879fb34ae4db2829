/** What a deployment has put on the machine, taken away again; from the old kernel (facts: Phoenix §3, rollback). */
import type { Act, Known, Outputs, Step } from "../../../deploy/recipe.js";
import type { Before } from "../before.js";
import { judgeRestored } from "../boot-menu.js";
import { type Design, minutes, phoenixRelease, seconds } from "../design.js";
import { judgeRemoved, judgeScript, kernelPackages, libcPackage } from "../packages.js";
import { aslrLine } from "../ubuntu.js";
import { failed, linesOf } from "../verdict.js";
import { pinFile, updateGrub } from "./kernel.js";

/** A machine on its way back. */
export interface Leaving extends Design {
  /** How it was before the first deployment; undefined when nobody knows. */
  readonly beforeOf: (known: Known) => Before | undefined;
  /** Whether tree and sysroot were made by labd: only then they are removed. */
  readonly isMarked: (known: Known) => boolean;
}

export function restoreSteps(leaving: Leaving): Step[] {
  return [packages, sysctl, grub, files].map((step) => step(leaving));
}

function packages({ node, ids }: Leaving): Step {
  return {
    id: ids.packages,
    phase: "packages",
    node: node.name,
    title: `packages of ${phoenixRelease} removed, the distribution's ${libcPackage} put back`,
    needs: [ids.oldKernel],
    repeat: "repeatable",
    actsWithinMs: 32 * minutes,
    acts: ({ outputs }) => removalActs(outputs[ids.recall] ?? {}),
    uninterruptible: true,
    evidence: [
      {
        kind: "command",
        argv: () => ["dpkg", "-s", ...kernelPackages],
        claim: `no package of ${phoenixRelease} is installed, ${libcPackage} is the distribution's`,
        withinMs: 30 * seconds,
        judge: judgeRemoved,
      },
    ],
  };
}

/**
 * The built libc headers are newer than the distribution's and in no archive: apt neither replaces nor reinstalls them. So they go
 * first, against what depends on them, and what build-essential needs comes back at once.
 */
function removalActs({ toRemove, libcInstalled }: Outputs[string]): Act[] {
  const names = Array.isArray(toRemove) ? toRemove.map(String) : [];
  const purge: Act = {
    kind: "command",
    argv: ["dpkg", "--purge", "--force-depends", ...names],
    env: { DEBIAN_FRONTEND: "noninteractive" },
    timeoutMs: 15 * minutes,
    expect: judgeScript,
  };
  const reinstall: Act = {
    kind: "command",
    argv: ["apt-get", "install", "-y", "--reinstall", libcPackage],
    env: { DEBIAN_FRONTEND: "noninteractive" },
    timeoutMs: 15 * minutes,
    expect: judgeScript,
  };
  return [...(names.length > 0 ? [purge] : []), ...(names.includes(libcPackage) || libcInstalled !== true ? [reinstall] : [])];
}

function sysctl({ node, ids, beforeOf }: Leaving): Step {
  const value = "/proc/sys/kernel/randomize_va_space";
  return {
    id: ids.sysctl,
    phase: "sysctl",
    node: node.name,
    title: "address-space randomization as it was",
    needs: [ids.packages],
    repeat: "repeatable",
    actsWithinMs: 3 * minutes,
    acts: (known) => {
      const before = beforeOf(known);
      if (before === undefined) return [];
      return [
        ...(before.sysctlLine === "" ? [{ kind: "edit-file", path: "/etc/sysctl.conf", edit: withoutAslrLine } as const] : []),
        { kind: "command", argv: ["sysctl", "-w", `kernel.randomize_va_space=${before.aslr}`], timeoutMs: 15 * seconds },
      ];
    },
    evidence: [
      {
        kind: "file",
        path: () => "/etc/sysctl.conf",
        wantText: true,
        claim: "/etc/sysctl.conf has no line of the deployment's",
        withinMs: 15 * seconds,
        judge: (file, known) => {
          const found = aslrLine.exec(file?.text ?? "")?.[0] ?? "";
          const before = beforeOf(known);
          return before === undefined || found === before.sysctlLine ? { ok: true } : failed(`it says "${found}"`);
        },
      },
      {
        kind: "command",
        argv: () => ["cat", value],
        claim: "the setting is what it was",
        withinMs: 15 * seconds,
        judge: ({ stdout }, known) => {
          const [found, before] = [stdout.trim(), beforeOf(known)];
          if (before !== undefined && found !== before.aslr) return failed(`randomize_va_space is ${found}, it was ${before.aslr}`);
          return { ok: true, lines: [`randomize_va_space is ${found}`] };
        },
      },
    ],
  };
}

export function withoutAslrLine(text: string): { readonly text: string } {
  return { text: text.replace(/^kernel\.randomize_va_space.*(\n|$)/gm, "") };
}

function grub({ node, ids, beforeOf }: Leaving): Step {
  return {
    id: ids.grub,
    phase: "grub",
    node: node.name,
    title: "the boot menu as it was",
    needs: [ids.sysctl],
    repeat: "repeatable",
    actsWithinMs: 5 * minutes,
    acts: () => [{ kind: "remove-file", path: pinFile }, updateGrub],
    evidence: [
      {
        kind: "boot-menu",
        claim: `nothing boots ${phoenixRelease}, and the default is what it was`,
        withinMs: 15 * seconds,
        judge: (menu, known) => judgeRestored(menu, beforeOf(known)),
      },
    ],
  };
}

function files({ node, ids, parameters, paths, isMarked }: Leaving): Step {
  const { home, keep } = parameters;
  const trees = [paths.tree, paths.sysroot];
  // The mark is in the notes, which go last: what was broken off is gone on with.
  const going = (known: Known) => (keep ? [paths.before] : [...(isMarked(known) ? trees : []), paths.notes]);
  const staying = (known: Known) => [
    ...(keep || !isMarked(known) ? trees : []),
    ...[".rustup", ".cargo", ".local/bin/wllvm", ".m2"].map((name) => `${home}/${name}`),
  ];
  return {
    id: ids.files,
    phase: "files",
    node: node.name,
    title: keep ? "~/phoenix and ~/sysroot stay, as asked for" : "~/phoenix and ~/sysroot removed; apt packages, rustup and wllvm stay",
    needs: [ids.grub],
    repeat: "repeatable",
    actsWithinMs: 45 * minutes,
    acts: (known) => going(known).map((path): Act => ({ kind: "remove-file", path, recursive: true })),
    evidence: [
      {
        kind: "command",
        argv: (known) => ["find", ...going(known), "-maxdepth", "0"],
        claim: keep ? "the record of what was before is gone" : "tree, sysroot and record are gone",
        withinMs: 30 * seconds,
        judge: ({ stdout }, known) =>
          linesOf(stdout).length === 0
            ? { ok: true, lines: [`gone: ${going(known).join(", ")}`] }
            : failed(`still there: ${linesOf(stdout).join(", ")}`),
      },
      {
        kind: "command",
        argv: (known) => ["find", ...staying(known), "-maxdepth", "0"],
        claim: "what is left of the deployment, besides the apt packages of env_setup.sh",
        withinMs: 30 * seconds,
        judge: ({ stdout }) => ({
          ok: true,
          lines: [`left: ${["apt packages of env_setup.sh", ...linesOf(stdout)].join(", ")}`],
          outputs: { left: linesOf(stdout) },
        }),
      },
    ],
  };
}
