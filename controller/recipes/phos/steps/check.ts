/** Preconditions, read and proven before anything is changed (facts: PhOS, needs; §4 preconditions). */
import type { Step } from "../../../deploy/recipe.js";
import { lookForMark } from "../clone-mark.js";
import { inspectContainer, judgeOwner } from "../container.js";
import { type Design, seconds, stepIds, textFrom } from "../design.js";
import { capabilityQuery, gpuQuery, judgeCapability, judgeGpuMemory, judgeGpus, judgeIdle, processQuery } from "../gpu.js";
import { look } from "../look.js";
import { dockerInfo, judgeDocker, judgeMachine, judgeMemory, judgePortsFree, judgeRemote, udpQuery } from "../host-tools.js";

export function checkSteps(design: Design): Step[] {
  return [check(design), quiet(design)];
}

function check(design: Design): Step {
  const { node, parameters } = design;
  const id = stepIds.check(design);
  return {
    id,
    phase: "check",
    node: node.name,
    title: "GPUs and driver, docker, disk, memory, network, whose container",
    needs: [],
    repeat: "repeatable",
    evidence: [
      look("docker answers and is root's", dockerInfo, judgeDocker),
      {
        kind: "facts",
        claim: "an x86-64 Linux with room on its disks",
        withinMs: 30 * seconds,
        judge: (facts, { outputs }) => judgeMachine(facts, [parameters.source, textFrom(outputs, id, "dockerRoot")], parameters.diskGiB),
      },
      look("the driver is new enough for CUDA 11.3", gpuQuery, judgeGpus),
      look("CUDA 11.3 and PhOS know these GPUs", capabilityQuery, (result, { outputs }) =>
        judgeCapability(result, names(outputs[id]?.["gpuNames"])),
      ),
      look("the GPU memory in use is known", gpuQuery, judgeGpuMemory),
      look("there is more free memory than GPU memory in use", ["cat", "/proc/meminfo"], (result, { outputs }) =>
        judgeMemory(result, Number(outputs[id]?.["gpuUsedMiB"] ?? 0)),
      ),
      look(
        "the network reaches the repository, which has what is to be built",
        ["git", "ls-remote", parameters.repository, parameters.ref, `${parameters.ref}^{}`],
        (result) => judgeRemote(result, parameters.ref),
        60 * seconds,
      ),
      look("the container's name is free or ours", inspectContainer(design), (result) => judgeOwner(result, design)),
      {
        kind: "file",
        path: () => `${parameters.source}/.git`,
        claim: "the place of the clone is known",
        withinMs: 10 * seconds,
        judge: (file) => ({
          ok: true,
          lines: [file === undefined ? "no clone yet" : "a clone is there"],
          outputs: { cloned: file !== undefined },
        }),
      },
      lookForMark(design),
    ],
  };
}

/** A container of ours that runs holds the daemon of an earlier deployment: its processes end, what was built in it stays. */
function quiet(design: Design): Step {
  const { node, container } = design;
  return {
    id: stepIds.quiet(design),
    phase: "quiet",
    node: node.name,
    title: "nothing computes on the GPUs, the ports of PhOS are free",
    needs: [stepIds.check(design)],
    repeat: "repeatable",
    actsWithinMs: 90 * seconds,
    acts: ({ outputs }) =>
      outputs[stepIds.check(design)]?.["running"] === true
        ? [{ kind: "command", argv: ["docker", "restart", "-t", "10", container], timeoutMs: 60 * seconds }]
        : [],
    evidence: [
      look("no program computes on the GPUs", processQuery, judgeIdle, 5 * seconds),
      look("neither port of PhOS is bound", udpQuery, judgePortsFree, 5 * seconds),
    ],
  };
}

function names(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
