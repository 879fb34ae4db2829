/**
 * The way back (facts: Phoenix §3, rollback). What was before is read from the node, where the first deployment wrote it down; what
 * is not known from there is not judged. Every step finds out what is left to do, so that a broken-off undeploy is gone on with.
 */
import type { Act, FactsSeen, Json, Known, Outputs, Step, Verdict } from "../../../deploy/recipe.js";
import { beforeFrom, type Before, parseBefore } from "../before.js";
import { defaultEntry, judgeDefault, judgeRestored } from "../boot-menu.js";
import { type Design, minutes, phoenixRelease, seconds } from "../design.js";
import { judgeRemoved, judgeScript, judgeToRemove, kernelPackages, libcPackage } from "../packages.js";
import { aslrLine } from "../ubuntu.js";
import { failed, linesOf, notYet } from "../verdict.js";
import { pinActs, pinFile, updateGrub } from "./kernel.js";

/** `previous`: for a node whose record is gone. */
export function undeploySteps(design: Design, previous: Outputs): Step[] {
  const remembered = beforeFrom(previous[design.ids.record]) ?? beforeFrom(previous[design.ids.check]);
  const beforeOf = ({ outputs }: Known) => beforeFrom(outputs[design.ids.recall]) ?? remembered;
  return [recall, pinOld, oldKernel, packages, sysctl, grub, files].map((step) => step({ ...design, beforeOf }));
}

interface Leaving extends Design {
  readonly beforeOf: (known: Known) => Before | undefined;
}

function recall({ node, ids, paths, parameters }: Leaving): Step {
  return {
    id: ids.recall,
    phase: "recall",
    node: node.name,
    title: "what was before, what runs and what is installed; by power when no agent answers",
    needs: [],
    repeat: "verify",
    acts: ({ agentConnected }) => (agentConnected ? [] : [{ kind: "power", verb: "cycle", deadlineMs: 60 * seconds }]),
    watch: "until-here",
    evidence: [
      {
        kind: "facts",
        claim: "Linux runs",
        withinMs: parameters.kernelWaitMin * minutes,
        judge: ({ kernel, kernelRelease, bootId }) =>
          kernel === "Linux"
            ? { ok: true, lines: [`Linux ${kernelRelease}, boot ${bootId}`], outputs: { running: kernelRelease, bootId } }
            : notYet(`${kernel} runs`),
      },
      {
        kind: "file",
        path: () => paths.before,
        wantText: true,
        claim: "what was before the deployment is looked up",
        withinMs: 15 * seconds,
        judge: (file) => {
          const before = parseBefore(file?.text);
          if (before === undefined)
            return { ok: true, lines: ["no record on the node: its deployment changed nothing, or was taken back"] };
          return { ok: true, lines: [`before: Linux ${before.release}, randomize_va_space ${before.aslr}`], outputs: { ...before } };
        },
      },
      {
        kind: "command",
        argv: () => ["dpkg", "-s", ...kernelPackages],
        claim: "which packages of the kernel are installed",
        withinMs: 30 * seconds,
        judge: judgeToRemove,
      },
    ],
  };
}

function pinOld({ node, ids, beforeOf }: Leaving): Step {
  return {
    id: ids.pin,
    phase: "install",
    node: node.name,
    title: "the old kernel as the default, nothing chosen for the next boot",
    needs: [ids.recall],
    repeat: "repeatable",
    actsWithinMs: 6 * minutes,
    acts: (known) => {
      const before = beforeOf(known);
      return [...(before === undefined ? [] : pinActs(before.entry)), { kind: "boot-once", id: "" }];
    },
    evidence: [
      {
        kind: "boot-menu",
        claim: "the next boot is of the old kernel",
        withinMs: 15 * seconds,
        judge: (menu, known) => {
          const before = beforeOf(known);
          if (before !== undefined) return judgeDefault(menu, before);
          const entry = defaultEntry(menu);
          return entry?.kernel.endsWith(phoenixRelease) === true
            ? failed(`the default boots ${entry.kernel}, and which kernel was before is not known: choose one (grub-set-default)`)
            : { ok: true, lines: [`default: ${entry?.id ?? menu.defaultEntry}`] };
        },
      },
    ],
  };
}

function oldKernel({ node, ids, parameters, beforeOf }: Leaving): Step {
  return {
    id: ids.oldKernel,
    phase: "old-kernel",
    node: node.name,
    title: "reboot into the old kernel, where the new one runs",
    needs: [ids.pin],
    repeat: "verify",
    actsWithinMs: 2 * minutes,
    acts: ({ outputs }) => (outputs[ids.recall]?.["running"] === phoenixRelease ? [{ kind: "reboot" }] : []),
    uninterruptible: true,
    evidence: [
      {
        kind: "facts",
        claim: "the old kernel runs",
        withinMs: parameters.kernelWaitMin * minutes,
        judge: (facts, known) => judgeReturn(facts, beforeOf(known), known.outputs[ids.oldKernel]?.["endedBootId"]),
      },
    ],
  };
}

/** `ended`: the boot a reboot was to end. A package must not be taken from the kernel that runs. */
export function judgeReturn({ kernelRelease, bootId }: FactsSeen, before: Before | undefined, ended: Json | undefined): Verdict {
  if (bootId === ended) return notYet("it is still the boot that is to end");
  if (kernelRelease === phoenixRelease) return failed(`${phoenixRelease} came up again`);
  if (before !== undefined && kernelRelease !== before.release)
    return failed(`Linux ${kernelRelease} came up, it was ${before.release} before`);
  return { ok: true, lines: [`Linux ${kernelRelease}, boot ${bootId}`] };
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

function files({ node, ids, parameters, paths }: Leaving): Step {
  const { home, keep } = parameters;
  const going = keep ? [paths.before] : [paths.tree, paths.sysroot, paths.notes];
  const staying = [
    ...(keep ? [paths.tree, paths.sysroot] : []),
    ...[".rustup", ".cargo", ".local/bin/wllvm", ".m2"].map((name) => `${home}/${name}`),
  ];
  return {
    id: ids.files,
    phase: "files",
    node: node.name,
    title: keep ? "~/phoenix and ~/sysroot stay, as asked for" : "~/phoenix and ~/sysroot removed; apt packages, rustup and wllvm stay",
    needs: [ids.grub],
    repeat: "repeatable",
    acts: () => going.map((path): Act => ({ kind: "remove-file", path, recursive: true })),
    evidence: [
      {
        kind: "command",
        argv: () => ["find", ...going, "-maxdepth", "0"],
        claim: keep ? "the record of what was before is gone" : "tree, sysroot and record are gone",
        withinMs: 30 * seconds,
        judge: ({ stdout }) =>
          linesOf(stdout).length === 0
            ? { ok: true, lines: [`gone: ${going.join(", ")}`] }
            : failed(`still there: ${linesOf(stdout).join(", ")}`),
      },
      {
        kind: "command",
        argv: () => ["find", ...staying, "-maxdepth", "0"],
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
