/** Everything back (facts: PhOS §4, rollback): programs end, dumps are unmounted, the container goes, the clone is clean. No reboot. */
import type { Act, Known, Outputs, Step } from "../../../deploy/recipe.js";
import { lookForMark } from "../clone-mark.js";
import { inspectContainer, judgeGone, judgeOwner } from "../container.js";
import { type Design, inContainer, linesOf, minutes, seconds } from "../design.js";
import { judgeIdle, processQuery } from "../gpu.js";
import { judgePortsFree, udpQuery } from "../host-tools.js";
import { judgeUnmounted } from "../checkpoint.js";
import { look, quietly } from "../look.js";
import { mountsInside } from "./checkpoint.js";

export function undeploySteps(design: Design, previous: Outputs): Step[] {
  return [ownership(design), programs(design, previous), unmount(design), remove(design), idle(design), clean(design), left(design)];
}

const idOf = ({ node }: Design, phase: string) => `${phase}/${node.name}`;

function ownership(design: Design): Step {
  return {
    id: idOf(design, "check"),
    phase: "check",
    node: design.node.name,
    title: "whose container it is",
    needs: [],
    repeat: "repeatable",
    evidence: [
      look("the container is ours, or gone already", inspectContainer(design), (result) => judgeOwner(result, design)),
      {
        kind: "file",
        path: () => `${design.parameters.source}/.git`,
        claim: "whether there is a clone",
        withinMs: 10 * seconds,
        judge: (file) => ({ ok: true, lines: [file === undefined ? "no clone" : "a clone"], outputs: { cloned: file !== undefined } }),
      },
      lookForMark(design),
    ],
  };
}

function isRunning(design: Design, { outputs }: Known): boolean {
  return outputs[idOf(design, "check")]?.["running"] === true;
}

/** Jobs that earlier runs have started: each holds a `docker exec`. */
function startedJobs(previous: Outputs): string[] {
  return Object.values(previous).flatMap((outputs) =>
    Object.values(outputs).flatMap((value) =>
      typeof value === "object" && value !== null && "job" in value && "pid" in value && typeof value.job === "string" ? [value.job] : [],
    ),
  );
}

function programs(design: Design, previous: Outputs): Step {
  const jobs = startedJobs(previous);
  return {
    id: idOf(design, "programs"),
    phase: "programs",
    node: design.node.name,
    title: "sample, pos_cli and daemon end",
    needs: [idOf(design, "check")],
    repeat: "repeatable",
    actsWithinMs: (4 + jobs.length) * minutes,
    acts: (known): Act[] => [
      // Inside first: ending a `docker exec` ends nothing in the container.
      ...(isRunning(design, known)
        ? [
            quietly(inContainer(design, ["pkill", "-KILL", "-f", "labd_"])),
            quietly(inContainer(design, ["pkill", "-TERM", "-x", "pos_cli"])),
            quietly(inContainer(design, ["pkill", "-TERM", "-x", "xpu-server"])),
          ]
        : []),
      ...jobs.map((job) => ({ kind: "end", job }) as const),
    ],
    evidence: [
      look("nothing computes on the GPUs", processQuery, judgeIdle, 60 * seconds),
      look("the ports of PhOS are free", udpQuery, judgePortsFree, 60 * seconds),
    ],
  };
}

function unmount(design: Design): Step {
  const id = idOf(design, "unmount");
  const { dumpDirectory } = design.parameters;
  const mounts = (known: Known) => (isRunning(design, known) ? mountsInside(design) : ["findmnt", "-rn", "-t", "tmpfs", "-o", "TARGET"]);
  return {
    id,
    phase: "unmount",
    node: design.node.name,
    title: "no dump holds memory any more",
    needs: [idOf(design, "programs")],
    repeat: "repeatable",
    actsWithinMs: 2 * minutes,
    acts: (known) =>
      isRunning(design, known)
        ? // Whatever is mounted below: dumps of runs this controller knows nothing of, too.
          [
            quietly(
              inContainer(design, ["find", dumpDirectory, "-mindepth", "1", "-maxdepth", "1", "-type", "d", "-exec", "umount", "{}", ";"]),
            ),
          ]
        : [],
    evidence: [look("no tmpfs of a dump is left", mounts, (result) => judgeUnmounted(result, dumpDirectory))],
  };
}

function remove(design: Design): Step {
  return {
    id: idOf(design, "container"),
    phase: "container",
    node: design.node.name,
    title: `container ${design.container} is removed`,
    needs: [idOf(design, "unmount")],
    repeat: "repeatable",
    actsWithinMs: 3 * minutes,
    acts: ({ outputs }) =>
      outputs[idOf(design, "check")]?.["container"] === "absent"
        ? []
        : [{ kind: "command", argv: ["docker", "rm", "-f", design.container], timeoutMs: 2 * minutes }],
    evidence: [look("there is no such container", inspectContainer(design), (result) => judgeGone(result, design))],
  };
}

function idle(design: Design): Step {
  return {
    id: idOf(design, "idle"),
    phase: "idle",
    node: design.node.name,
    title: "the GPUs are idle",
    needs: [idOf(design, "container")],
    repeat: "repeatable",
    evidence: [look("nvidia-smi lists no compute process", processQuery, judgeIdle, 60 * seconds)],
  };
}

/** What the build, as root and with the clone as its home, has left in it. */
function clean(design: Design): Step {
  const { source } = design.parameters;
  const id = idOf(design, "clean");
  const git = (...argv: string[]): Act => ({ kind: "command", argv: ["git", "-C", source, ...argv], timeoutMs: 10 * minutes });
  // A deployment that was refused because of somebody's clone leads here, too.
  const cloned = ({ outputs }: Known) => {
    const seen = outputs[idOf(design, "check")] ?? {};
    return seen["cloned"] === true && seen["marked"] === true;
  };
  return {
    id,
    phase: "clean",
    node: design.node.name,
    title: `what the build left in ${source} is removed`,
    needs: [idOf(design, "container")],
    repeat: "repeatable",
    actsWithinMs: 45 * minutes,
    acts: (known) =>
      cloned(known)
        ? [
            git("checkout", "--force", "HEAD"),
            git("clean", "-ffdxq"),
            git("submodule", "foreach", "--recursive", "--quiet", "git clean -ffdxq"),
            // Everything is again whoever's the clone is: files in .git as well.
            { kind: "command", argv: ["chown", "-R", `--reference=${source}`, source], timeoutMs: 5 * minutes },
          ]
        : [],
    evidence: [
      look(
        "the clone is as it was cloned",
        (known) => (cloned(known) ? ["git", "-C", source, "status", "--porcelain", "--ignored"] : ["ls", "-d", "/"]),
        ({ exitCode, stdout }, known) => {
          const lines = linesOf(stdout);
          if (!cloned(known)) return { ok: true, lines: ["there is no clone of labd's: what is there stays as it is"] };
          if (exitCode === 0 && lines.length === 0) return { ok: true, lines: ["nothing but what git has"] };
          return { ok: false, reason: `${lines.length} things are left in ${source}`, lines: lines.slice(0, 5) };
        },
        minutes,
      ),
    ],
  };
}

function left(design: Design): Step {
  const { source, checkpoints, image } = design.parameters;
  return {
    id: idOf(design, "left"),
    phase: "left",
    node: design.node.name,
    title: "what stays is said",
    needs: [idOf(design, "idle"), idOf(design, "clean")],
    repeat: "repeatable",
    evidence: [
      look(
        `checkpoints in ${checkpoints} are kept, as are the clone and the image; remove them yourself`,
        ["du", "-s", source, checkpoints],
        ({ stdout }) => ({ ok: true, lines: [...linesOf(stdout), `image ${image}: docker image rm ${image}`] }),
        2 * minutes,
      ),
    ],
  };
}
