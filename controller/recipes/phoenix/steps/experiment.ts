/** An experiment: a fault in a loaded redis, recovered from in one of four ways, so many times (facts: Phoenix §2). */
import type { Act, CommandOutcome, Known, Look, Step, Verdict } from "../../../deploy/recipe.js";
import { type Design, minutes, phoenixRelease, resultGroup, scriptEnvironment, seconds } from "../design.js";
import type { Case, Mode } from "../parameters.js";
import { judgeReport } from "../redis/report-table.js";
import { judgeServerLog, serverLines } from "../redis/server-log.js";
import { judgeThroughput, statusParts } from "../redis/throughput.js";
import { judgeNoRedis, judgeRedisGone, judgeRunsPhoenix } from "../ubuntu.js";
import { endOf, failed, lastWords, linesOf } from "../verdict.js";
import { judgeSums } from "../stamp.js";
import { onPhoenixKernel } from "./runtime.js";

export interface Experiment {
  readonly case: Case;
  readonly modes: readonly Mode[];
  readonly repeat: number;
  readonly killTimeS: number;
  /** Undefined: a group of this run's own. */
  readonly group: string | undefined;
  /** Done before anything is looked at. */
  readonly first?: (known: Known) => Act;
}

/** Ready, every run after the other (they share one port and one dump), the report. `needs`: the step before the first. */
export function experimentSteps(design: Design, experiment: Experiment, needs: readonly string[]): Step[] {
  const { ids, node } = design;
  const runs = Array.from({ length: experiment.repeat }, (_, index) => experiment.modes.map((mode) => ({ mode, index: index + 1 }))).flat();
  const idOf = (run: { mode: Mode; index: number } | undefined) =>
    run === undefined ? ids.ready : `run/${node.name}/${run.mode}-${run.index}`;
  return [
    ready(design, experiment, needs),
    ...runs.map((run, at) => runOnce(design, experiment, { ...run, id: idOf(run), needs: idOf(runs[at - 1]) })),
    report(design, experiment, idOf(runs.at(-1))),
  ];
}

function folder({ case: issue, group }: Experiment, known: Known): string {
  return `result-${issue}-${resultGroup(known, group)}`;
}

function ready(design: Design, experiment: Experiment, needs: readonly string[]): Step {
  const { node, ids, paths } = design;
  const { first } = experiment;
  const configuration = `${paths.experiments}/${experiment.case === "7445" ? "nosave-7445.conf" : "nosave.conf"}`;
  return {
    id: ids.ready,
    phase: "ready",
    node: node.name,
    title: `Phoenix kernel, no redis, nothing in the way of case ${experiment.case}`,
    needs,
    repeat: "repeatable",
    ...(first === undefined ? {} : { actsWithinMs: minutes, acts: (known: Known) => [first(known)] }),
    evidence: [
      {
        kind: "command",
        argv: () => ["uname", "-r"],
        claim: `Linux ${phoenixRelease} runs`,
        withinMs: 15 * seconds,
        judge: judgeRunsPhoenix,
      },
      {
        kind: "command",
        argv: () => ["pgrep", "-l", "redis"],
        claim: "no redis runs that an experiment would kill",
        withinMs: 15 * seconds,
        judge: judgeNoRedis,
      },
      {
        kind: "file",
        path: (known) => `${paths.experiments}/${folder(experiment, known)}`,
        claim: "no earlier results are in the folder: the report would count them",
        withinMs: 15 * seconds,
        judge: (file, known) =>
          file === undefined
            ? { ok: true, lines: [`${folder(experiment, known)} is new`] }
            : failed(`${folder(experiment, known)} is there already, and the report would count its runs: choose another group`),
      },
      {
        kind: "file",
        path: () => configuration,
        claim: "the server's configuration for this case is there",
        withinMs: 15 * seconds,
        judge: (file) => (file === undefined ? failed(`${configuration} is not there; case ${experiment.case} cannot run`) : { ok: true }),
      },
      ...(experiment.case === "12290" ? [waitpidThere(design)] : []),
    ],
  };
}

/** The trigger loads a module of this name that Phoenix does not have; without it the fault never comes. */
function waitpidThere({ paths }: Design): Look {
  return {
    kind: "command",
    argv: () => ["find", paths.modulefiles, "-maxdepth", "2", "-name", "waitpid"],
    claim: "the trigger's tool waitpid is supplied",
    withinMs: 15 * seconds,
    judge: ({ stdout }) =>
      linesOf(stdout).length > 0
        ? { ok: true, lines: linesOf(stdout) }
        : failed(
            `case 12290's trigger needs an environment module waitpid that Phoenix does not ship: without it redis is never crashed; put one into ${paths.modulefiles}`,
          ),
  };
}

interface Run {
  readonly id: string;
  readonly needs: string;
  readonly mode: Mode;
  readonly index: number;
}

/** A load of 1800 s for vanilla, of 500 s for the others, and 2,000,000 records put in first. */
const runLimitMin: Readonly<Record<Mode, number>> = { vanilla: 75, builtin: 40, criu: 40, phx: 40 };

function runOnce(design: Design, experiment: Experiment, { id, needs, mode, index }: Run): Step {
  const { node, paths } = design;
  const { killTimeS } = experiment;
  const log = (known: Known, name: string) => `${folder(experiment, known)}/${mode}-${index}-${name}.log`;
  const logs = ["load", "server", "trigger", "ycsb", ...(mode === "criu" ? ["dump", "restore"] : [])];
  const look = (
    claim: string,
    argv: (known: Known) => readonly string[],
    judge: (result: CommandOutcome, known: Known) => Verdict,
  ): Look => ({
    kind: "command",
    argv,
    cwd: paths.experiments,
    claim,
    withinMs: 60 * seconds,
    judge,
  });
  return {
    id,
    phase: "run",
    node: node.name,
    title: `${mode}, run ${index} of ${experiment.repeat}: case ${experiment.case}, fault at ${killTimeS} s`,
    needs: [needs],
    repeat: "verify",
    actsWithinMs: (runLimitMin[mode] + 2) * minutes,
    acts: (known) => [onPhoenixKernel, noRedis, experimentScript(design, experiment, { mode, index }, known)],
    evidence: [
      look(
        "the logs are there",
        (known) => ["sha256sum", ...logs.map((name) => log(known, name))],
        (result, known) => {
          const sums = judgeSums(
            result,
            logs.map((name) => log(known, name)),
          );
          return sums.ok ? { ...sums, outputs: { mode, killTimeS, logs: [...(sums.lines ?? [])] } } : sums;
        },
      ),
      look(
        recoveryClaims[mode],
        (known) => ["grep", "-E", serverLines, log(known, "server")],
        (result) => judgeServerLog(result, mode),
      ),
      look(
        "reads are served after the fault",
        (known) => ["grep", "-oE", statusParts, log(known, "ycsb")],
        (result) => judgeThroughput(result, killTimeS),
      ),
      look("no redis is left", () => ["pgrep", "-l", "redis"], judgeRedisGone),
    ],
  };
}

const recoveryClaims: Readonly<Record<Mode, string>> = {
  vanilla: "redis started a second time",
  builtin: "redis started a second time",
  phx: "redis went on with what was preserved",
  criu: "CRIU restored redis",
};

/** Right before: the script kills every redis by name. */
const noRedis: Act = { kind: "command", argv: ["pgrep", "-l", "redis"], timeoutMs: 15 * seconds, expect: judgeNoRedis };

function experimentScript(design: Design, experiment: Experiment, { mode, index }: Pick<Run, "mode" | "index">, known: Known): Act {
  return {
    kind: "command",
    // Its options need the equals sign.
    argv: [`./run${mode}.sh`, experiment.case, String(index), `-g=${resultGroup(known, experiment.group)}`, `-k=${experiment.killTimeS}`],
    cwd: design.paths.experiments,
    env: scriptEnvironment(design),
    timeoutMs: runLimitMin[mode] * minutes,
    expect: judgeRun,
  };
}

const refusals = /^(Cannot (load|find script|create folder)|Command not found:|Unknown case|Usage:)/;

/** What the script ends with says nothing; what it refuses to begin, it says. Puts the exit code out for whoever wants to see it. */
export function judgeRun(result: CommandOutcome): Verdict {
  if (result.state !== "exited") return failed(`it did not end by itself: ${endOf(result)}`, lastWords(result));
  const refusal = linesOf(`${result.stdout}\n${result.stderr}`).find((line) => refusals.test(line));
  if (refusal !== undefined) return failed(refusal, lastWords(result, 5));
  return { ok: true, outputs: { exitCode: result.exitCode ?? -1 } };
}

function report(design: Design, experiment: Experiment, needs: string): Step {
  const { node, ids, paths } = design;
  return {
    id: ids.report,
    phase: "report",
    node: node.name,
    title: `report.sh: ${experiment.modes.join(", ")}`,
    needs: [needs],
    repeat: "repeatable",
    evidence: [
      {
        kind: "command",
        argv: (known) => ["./report.sh", `${folder(experiment, known)}/`],
        cwd: paths.experiments,
        claim: `the report counts ${experiment.repeat} run${experiment.repeat === 1 ? "" : "s"} of ${experiment.modes.join(", ")}`,
        withinMs: 60 * seconds,
        judge: (result) => judgeReport(result, experiment.modes, experiment.repeat),
      },
    ],
  };
}
