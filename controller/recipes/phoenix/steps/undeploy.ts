/**
 * The way back (facts: Phoenix §3, rollback). What was before is read from the node, where the first deployment wrote it down; what
 * is not known from there is not judged. Every step finds out what is left to do, so that a broken-off undeploy is gone on with.
 */
import type { FactsSeen, Json, Known, Look, Outputs, Requirement, Step, Verdict } from "../../../deploy/recipe.js";
import { beforeFrom, type Before, parseBefore } from "../before.js";
import { defaultEntry, judgeDefault } from "../boot-menu.js";
import { type Design, minutes, phoenixRelease, seconds } from "../design.js";
import { judgeToRemove, kernelPackages } from "../packages.js";
import { failed, linesOf, notYet } from "../verdict.js";
import { pinActs } from "./kernel.js";
import { type Leaving, restoreSteps } from "./restore.js";

/** `previous`: for a node whose record is gone. */
export function undeploySteps(design: Design, previous: Outputs): Step[] {
  const remembered = beforeFrom(previous[design.ids.record]);
  const beforeOf = ({ outputs }: Known) => beforeFrom(outputs[design.ids.recall]) ?? remembered;
  const isMarked = ({ outputs }: Known) => outputs[design.ids.recall]?.["marked"] === true;
  const leaving: Leaving = { ...design, beforeOf, isMarked };
  const isOurs = (known: Known) => isMarked(known) || beforeOf(known) !== undefined;
  return [recall(leaving), ...[pinOld(leaving), oldKernel(leaving), ...restoreSteps(leaving)].map((step) => ifOurs(step, isOurs))];
}

/** A deployment that was refused has changed nothing: whatever kernel, tree or setting is there is somebody's, and stays. */
function ifOurs(step: Step, isOurs: (known: Known) => boolean): Step {
  const { acts } = step;
  const theirs: Verdict = { ok: true, lines: ["no deployment has changed this node: all is left as it is"] };
  const judged = (look: Requirement): Requirement =>
    "judge" in look
      ? ({ ...look, judge: (seen: never, known: Known) => (isOurs(known) ? look.judge(seen, known) : theirs) } as Look)
      : look;
  return {
    ...step,
    ...(acts === undefined ? {} : { acts: (known: Known) => (isOurs(known) ? acts(known) : []) }),
    evidence: step.evidence.map(judged),
  };
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
        argv: () => ["find", paths.notes, "-maxdepth", "1", "-name", "source-*"],
        claim: "whether tree and sysroot are labd's is looked up",
        withinMs: 15 * seconds,
        judge: ({ stdout }) => {
          const markers = linesOf(stdout);
          const said = markers.length > 0 ? markers : [`no mark of labd's: ${paths.tree} and ${paths.sysroot} stay if they are there`];
          return { ok: true, lines: said, outputs: { marked: markers.length > 0 } };
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
