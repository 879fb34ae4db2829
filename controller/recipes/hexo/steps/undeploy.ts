/** Rollback (facts: HEXO §4): the proxies we have started end, what they left goes. No kernel was changed, nothing is rebooted. */
import { type Act, type Outputs, startedJob, type Step } from "../../../deploy/recipe.js";
import { minutes, proxyJob, seconds } from "../design.js";
import { judgeNoProxyOfOurs } from "../node-tools.js";
import { failed } from "../output-lines.js";
import type { Machine, Pair } from "../pair.js";
import type { HexoParameters } from "../parameters.js";

export function undeploySteps(pair: Pair, parameters: HexoParameters, previous: Outputs): Step[] {
  const machines = [pair.x86, pair.arm];
  return [
    ...machines.map((machine) => end(machine, previous)),
    ...machines.map((machine) => clean(machine, machines.map(endId))),
    ...(parameters.keepBuild ? [] : [removeBuild(pair, parameters)]),
  ];
}

function endId({ node }: Machine): string {
  return `end/${node.name}`;
}

/** Jobs by their ids, never by the name of a process: a proxy of somebody else is none of ours. */
function end(machine: Machine, previous: Outputs): Step {
  const { node, directory } = machine;
  const jobs = Object.keys(previous)
    .filter((step) => step.startsWith(`start/${node.name}/`))
    .flatMap((step) => startedJob(previous, step, proxyJob)?.job ?? []);
  return {
    id: endId(machine),
    phase: "end",
    node: node.name,
    title: jobs.length === 0 ? "no proxy was started" : `${jobs.length === 1 ? "the proxy" : `${jobs.length} proxies`} started here`,
    needs: [],
    repeat: "repeatable",
    acts: () => jobs.map((job): Act => ({ kind: "end", job })),
    evidence: [
      {
        kind: "command",
        argv: () => ["pgrep", "-a", "-x", "proxy"],
        claim: "no proxy of this deployment runs",
        withinMs: minutes,
        judge: (result) => judgeNoProxyOfOurs(result, directory),
      },
    ],
  };
}

function clean({ node, directory }: Machine, needs: readonly string[]): Step {
  return {
    id: `clean/${node.name}`,
    phase: "clean",
    node: node.name,
    title: `checkpoints, .status, .lock, .memory: all of ${directory}`,
    needs,
    repeat: "repeatable",
    acts: () => [{ kind: "remove-file", path: directory, recursive: true }],
    evidence: [
      {
        kind: "file",
        path: () => directory,
        claim: "nothing of it is left",
        withinMs: 15 * seconds,
        judge: (file) => (file === undefined ? { ok: true, lines: [`${directory} is gone`] } : failed(`${directory} is still there`)),
      },
    ],
  };
}

function removeBuild({ x86 }: Pair, { pophermit, boardHome }: HexoParameters): Step {
  const variables = [`POPHERMIT=${pophermit}`, `ARM_TARGET_HOME=${boardHome}`];
  return {
    id: `clean/${x86.node.name}/build`,
    phase: "clean",
    node: x86.node.name,
    title: "the programs that were built",
    needs: [`clean/${x86.node.name}`],
    repeat: "repeatable",
    acts: () => [{ kind: "command", argv: ["make", "clean", ...variables], cwd: x86.programs, timeoutMs: 5 * minutes }],
    evidence: [
      {
        kind: "command",
        argv: () => ["find", x86.programs, "-maxdepth", "1", "-name", "prog_*_aligned", "-printf", String.raw`%f\n`],
        claim: "no program is left",
        withinMs: 15 * seconds,
        judge: ({ stdout }) => (stdout.trim() === "" ? { ok: true } : failed(`${stdout.trim()} is still there`)),
      },
    ],
  };
}
