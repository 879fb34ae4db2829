/**
 * One checkpoint and its proof (facts: PhOS §3, §4 steps 6 and 7): dumped into a directory nobody else has, copied out at once,
 * unmounted, restored from the copy, and seen to go on where it was.
 */
import { startedJob, type Known, type Look, type Step } from "../../../deploy/recipe.js";
import {
  judgeContinues,
  judgeCopy,
  judgeDump,
  judgeHashes,
  judgeImage,
  judgeNoClient,
  judgeProcessGone,
  judgeProgress,
  judgeRestore,
  judgeUnmounted,
  timed,
} from "../checkpoint.js";
import { type Design, inContainer, keptDirectory, minutes, numberFrom, seconds } from "../design.js";
import { gpuQuery, judgeDaemonOnGpu, judgeGpuMemory, processQuery } from "../gpu.js";
import { judgeMemory } from "../host-tools.js";
import { type Sample, sampleFiles } from "../samples.js";
import { look, quietly } from "../look.js";
import { alive, endRestore, processState, samplePid, tailOf } from "./sample.js";

export interface CheckpointPlan {
  readonly sample: Sample;
  /** From 1. */
  readonly number: number;
  readonly needs: readonly string[];
  /** How long the sample runs before it is dumped; 0 = it is dumped at once. */
  readonly afterMs: number;
}

export function checkpointIds({ node }: Pick<Design, "node">, number: number) {
  const of = (phase: string) => `${phase}/${node.name}/${number}`;
  return { ready: of("ready"), dump: of("dump"), keep: of("keep"), unmount: of("unmount"), restore: of("restore") } as const;
}

export function checkpointSteps(design: Design, plan: CheckpointPlan): Step[] {
  return [ready, dump, keep, unmount, restore].map((step) => step(design, plan));
}

function dumpDirectory({ parameters }: Design, number: number, { runId }: Known): string {
  return `${parameters.dumpDirectory}/${runId}-${number}`;
}

/** Inside the container, on a disk of the node. */
function keptImage(number: number, { runId }: Known): string {
  return `${keptDirectory}/${runId}/${number}`;
}

function ready(design: Design, { sample, number, needs, afterMs }: CheckpointPlan): Step {
  const id = checkpointIds(design, number).ready;
  return {
    id,
    phase: "ready",
    node: design.node.name,
    title: `${sample.name} runs${afterMs === 0 ? "" : ` for ${afterMs / 1000} s`}, a dump has room, no pos_cli is at work`,
    needs,
    repeat: "repeatable",
    acts: () => [
      ...(afterMs === 0 ? [] : [{ kind: "pause", forMs: afterMs, why: `a checkpoint every ${afterMs / 1000} s` } as const]),
      endRestore(design),
    ],
    evidence: [
      look("no other pos_cli is at work", inContainer(design, ["pgrep", "-fa", "pos_cli --(pre-dump|dump|restore)"]), judgeNoClient),
      look("the GPU memory in use is known", gpuQuery, judgeGpuMemory),
      look("a dump of it fits into memory", ["cat", "/proc/meminfo"], (result, { outputs }) =>
        judgeMemory(result, numberFrom(outputs, id, "gpuUsedMiB")),
      ),
      alive(design),
      look("how far the sample is", tailOf(design, sample), (result) => judgeProgress(result, sample), 30 * seconds),
    ],
  };
}

function dump(design: Design, { sample, number }: CheckpointPlan): Step {
  const ids = checkpointIds(design, number);
  const { parameters } = design;
  const directory = (known: Known) => dumpDirectory(design, number, known);
  return {
    id: ids.dump,
    phase: "dump",
    node: design.node.name,
    title: `checkpoint ${number}: dump into a directory of its own`,
    needs: [ids.ready],
    repeat: "verify",
    actsWithinMs: (parameters.dumpWithinS + 15) * seconds + 2 * minutes,
    acts: (known) => [
      { kind: "command", argv: inContainer(design, ["mkdir", "-p", parameters.dumpDirectory]), timeoutMs: 10 * seconds },
      // Without -p: pos_cli deletes whatever is in it, so that it must not have been there.
      { kind: "command", argv: inContainer(design, ["mkdir", directory(known)]), timeoutMs: 10 * seconds },
      {
        kind: "command",
        argv: inContainer(
          design,
          timed(parameters.dumpWithinS, ["pos_cli", "--dump", "--dir", directory(known), "--pid", String(samplePid(design, known))]),
        ),
        timeoutMs: (parameters.dumpWithinS + 15) * seconds,
        expect: (result) => judgeDump(result, parameters.dumpWithinS),
      },
    ],
    evidence: [
      look(
        "the program has ended",
        (known) => processState(design, known),
        (result, known) => judgeProcessGone(result, samplePid(design, known)),
        5 * seconds,
      ),
      look(
        "the image is whole: CRIU's part and the GPU's",
        (known) => inContainer(design, ["find", ".", "-type", "f", "-printf", "%s %P\\n"], directory(known)),
        judgeImage,
        minutes,
      ),
      look(`its last ${sample.unit} is known`, tailOf(design, sample), (result) => judgeProgress(result, sample)),
      {
        kind: "file",
        path: () => sampleFiles(design, sample).log,
        claim: "where its output stops is known",
        withinMs: 10 * seconds,
        judge: (file) =>
          file === undefined
            ? { ok: false, final: true, reason: "its output is gone" }
            : { ok: true, lines: [`${file.sizeBytes} bytes`], outputs: { logBytes: file.sizeBytes } },
      },
    ],
  };
}

function keep(design: Design, { number }: CheckpointPlan): Step {
  const ids = checkpointIds(design, number);
  const hashes = ["find", ".", "-type", "f", "-exec", "sha256sum", "{}", "+"];
  return {
    id: ids.keep,
    phase: "keep",
    node: design.node.name,
    title: `checkpoint ${number}: copied to ${design.parameters.checkpoints}`,
    needs: [ids.dump],
    repeat: "repeatable",
    actsWithinMs: 32 * minutes,
    acts: (known) => {
      const kept = keptImage(number, known);
      const parent = kept.slice(0, kept.lastIndexOf("/"));
      return [
        { kind: "command", argv: inContainer(design, ["mkdir", "-p", parent]), timeoutMs: 10 * seconds },
        // By cp inside: `docker cp` does not see what the container's processes have mounted.
        {
          kind: "command",
          argv: inContainer(design, ["cp", "-a", "-T", dumpDirectory(design, number, known), kept]),
          timeoutMs: 30 * minutes,
        },
      ];
    },
    evidence: [
      look(
        "the image can be read",
        (known) => inContainer(design, hashes, dumpDirectory(design, number, known)),
        judgeHashes,
        10 * minutes,
      ),
      look(
        "the copy is the image",
        (known) => inContainer(design, hashes, keptImage(number, known)),
        (result, { outputs }) => judgeCopy(result, textsFrom(outputs[ids.keep]?.["sha256"])),
        10 * minutes,
      ),
    ],
  };
}

function textsFrom(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

export const mountsInside = (design: Design) => inContainer(design, ["findmnt", "-rn", "-t", "tmpfs", "-o", "TARGET"]);

function unmount(design: Design, { number }: CheckpointPlan): Step {
  const ids = checkpointIds(design, number);
  const directory = (known: Known) => dumpDirectory(design, number, known);
  return {
    id: ids.unmount,
    phase: "unmount",
    node: design.node.name,
    title: `checkpoint ${number}: the tmpfs gives its memory back`,
    needs: [ids.keep],
    repeat: "repeatable",
    actsWithinMs: 2 * minutes,
    acts: (known) => [
      quietly(inContainer(design, ["umount", directory(known)])),
      quietly(inContainer(design, ["rmdir", directory(known)])),
    ],
    evidence: [
      look(
        "nothing is mounted there any more",
        mountsInside(design),
        (result, known) => judgeUnmounted(result, directory(known)),
        5 * seconds,
      ),
    ],
  };
}

function restore(design: Design, { sample, number }: CheckpointPlan): Step {
  const ids = checkpointIds(design, number);
  const { restoreWithinS } = design.parameters;
  const job = (known: Known) => startedJob(known.outputs, ids.restore, "restore")?.job ?? "";
  const judged: Look = {
    kind: "job",
    job,
    claim: "pos_cli says that it has restored the program, CRIU says nothing else",
    withinMs: restoreWithinS * seconds,
    judge: (seen) => judgeRestore(seen, restoreWithinS),
  };
  return {
    id: ids.restore,
    phase: "restore",
    node: design.node.name,
    title: `checkpoint ${number}: restored from the copy, goes on`,
    needs: [ids.unmount],
    repeat: "verify",
    actsWithinMs: 2 * minutes,
    acts: (known) => [
      {
        kind: "start",
        name: "restore",
        // Unbuffered lines: pos_cli may stay for as long as the program lives, and is to be heard before. Its time limit is `timeout`'s:
        // it ends pos_cli, not the program.
        argv: inContainer(
          design,
          timed(restoreLimitS(restoreWithinS), ["stdbuf", "-oL", "pos_cli", "--restore", "--dir", keptImage(number, known)]),
        ),
        timeoutMs: 0,
      },
    ],
    evidence: [
      judged,
      look(
        `its output goes on past the last ${sample.unit} before the dump`,
        ({ outputs }) => ["tail", "-c", `+${numberFrom(outputs, ids.dump, "logBytes") + 1}`, sampleFiles(design, sample).log],
        (result, { outputs }) => judgeContinues(result, sample, numberFrom(outputs, ids.dump, "at")),
        restoreWithinS * seconds,
      ),
      alive(design),
      look("the GPUs are the daemon's", processQuery, judgeDaemonOnGpu, 30 * seconds),
      { ...judged, claim: "nothing was said since that takes it back", withinMs: 15 * seconds },
    ],
  };
}

/** Longer than what is waited for, so that a hang is told by the wait that names it. */
function restoreLimitS(withinS: number): number {
  return 2 * withinS + 60;
}
