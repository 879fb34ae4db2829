/** Preconditions, read and proven before anything is changed; and what was before, written down once (facts: Phoenix §3). */
import type { Known, Look, Step } from "../../../deploy/recipe.js";
import { beforeFrom, formatBefore, judgeBefore, parseBefore } from "../before.js";
import { judgeWayBack } from "../boot-menu.js";
import { type Design, seconds, textFrom } from "../design.js";
import {
  judgeAslr,
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
} from "../ubuntu.js";
import { failed } from "../verdict.js";
import { remoteThere } from "./source.js";
import { wiringStep, wiringStepId } from "../../wiring.js";

export function checkSteps(design: Design): Step[] {
  return [check(design), wiringStep(design.node, [design.ids.check]) ?? [], record(design)].flat();
}

function check(design: Design): Step {
  const { node, ids } = design;
  return {
    id: ids.check,
    phase: "check",
    node: node.name,
    title: "power, Ubuntu 22.04, Secure Boot off, disk, memory, way back, no redis of anybody else",
    needs: [],
    repeat: "repeatable",
    evidence: [
      { kind: "power", state: "on", claim: "power control answers and the node is on", withinMs: 15 * seconds },
      ownership(design),
      earlierRecord(design),
      {
        kind: "facts",
        claim: "the machine is fit for Phoenix",
        withinMs: 30 * seconds,
        judge: (facts) => judgeMachine(facts, node.console?.line),
      },
      {
        kind: "command",
        argv: () => ["df", "-Pk", design.parameters.home],
        claim: "there is room for source, builds and sysroot",
        withinMs: 15 * seconds,
        judge: (result, { outputs }) => judgeDisk(result, outputs[ids.check]?.["resuming"] === true),
      },
      {
        kind: "file",
        path: () => "/etc/os-release",
        wantText: true,
        claim: "it is Ubuntu 22.04",
        withinMs: 10 * seconds,
        judge: judgeUbuntu,
      },
      looking(["mokutil", "--sb-state"], "Secure Boot is off", judgeSecureBoot),
      runningConfig(design),
      {
        kind: "boot-menu",
        claim: "a power cycle leads back to the kernel that runs, and that can be pinned",
        withinMs: 15 * seconds,
        judge: (menu, { outputs }) => judgeWayBack(menu, outputs[ids.check] ?? {}),
      },
      looking(
        ["findmnt", "-n", "-o", "SOURCE,FSTYPE", "--target", "/boot/grub"],
        "GRUB can take back a choice for one boot",
        judgeGrubDisk,
      ),
      looking(["pgrep", "-l", "redis"], "no redis of anybody else runs", judgeNoRedis),
      looking(["cat", "/proc/sys/kernel/randomize_va_space"], "the address-space setting is known", judgeAslr),
      {
        kind: "file",
        path: () => "/etc/sysctl.conf",
        wantText: true,
        claim: "/etc/sysctl.conf does not stand in the way",
        withinMs: 10 * seconds,
        judge: judgeSysctl,
      },
      looking(["sudo", "-n", "id", "-u"], "sudo asks for no password", judgeSudo),
      looking(["git", "--version"], "git is there", judgePresent),
      remoteThere(design),
    ],
  };
}

/** Absent, or ours and to be gone on with: the marker's name says of which source. */
function ownership({ paths }: Design): Look {
  return looking(
    ["find", paths.tree, paths.sysroot, paths.marker, "-maxdepth", "0"],
    "~/phoenix and ~/sysroot are absent, or an earlier deployment's of the same source",
    (result) => judgePaths(result, paths),
  );
}

/** What the first deployment found: the values of today are its own doing. */
function earlierRecord({ paths }: Design): Look {
  return {
    kind: "file",
    path: () => paths.before,
    wantText: true,
    claim: "what was before the first deployment is known",
    withinMs: 10 * seconds,
    judge: (file) => {
      const before = parseBefore(file?.text);
      if (before !== undefined) return { ok: true, lines: [`recorded: Linux ${before.release}`], outputs: { recorded: true } };
      if (file === undefined) return { ok: true, lines: ["this is the first deployment"], outputs: { recorded: false } };
      return failed(`${paths.before} is not what labd wrote: the way back is not known`);
    },
  };
}

/** build_kernel.sh starts from the running kernel's configuration. */
function runningConfig({ ids }: Design): Look {
  const path = ({ outputs }: Known) => `/boot/config-${textFrom(outputs, ids.check, "kernelRelease")}`;
  return {
    kind: "file",
    path,
    claim: "the running kernel's configuration is there to start from",
    withinMs: 10 * seconds,
    judge: (file, known) =>
      file === undefined
        ? failed(`${path(known)} is not there; the kernel is configured from it: install linux-modules of the running kernel`)
        : { ok: true, lines: [`${path(known)} ${file.sizeBytes} bytes`] },
  };
}

function looking(argv: readonly string[], claim: string, judge: Extract<Look, { kind: "command" }>["judge"]): Look {
  return { kind: "command", argv: () => argv, claim, withinMs: 15 * seconds, judge };
}

function record({ node, ids, paths }: Design): Step {
  return {
    id: ids.record,
    phase: "record",
    node: node.name,
    title: "what was before, kept on the node for the way back",
    needs: [ids.check, ...(node.console === undefined ? [] : [wiringStepId(node)])],
    repeat: "repeatable",
    actsWithinMs: 60 * seconds,
    acts: ({ outputs }) => {
      const seen = outputs[ids.check] ?? {};
      const before = beforeFrom(seen);
      return [
        ...(seen["recorded"] === true || before === undefined
          ? []
          : [{ kind: "write-file", path: paths.before, contents: formatBefore(before) } as const]),
        { kind: "write-file", path: paths.marker, contents: "Made by labd: ~/phoenix and ~/sysroot are of this source.\n" },
      ];
    },
    evidence: [
      {
        kind: "file",
        path: () => paths.before,
        wantText: true,
        claim: "kernel, default entry and address-space setting of before are written down",
        withinMs: 10 * seconds,
        judge: judgeBefore,
      },
    ],
  };
}
