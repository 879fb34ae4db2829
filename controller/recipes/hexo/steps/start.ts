/** One proxy from its empty directory to an application that runs (facts: HEXO §3; §4 steps 2 and 4). */
import { startedJob, type Step, type Verdict } from "../../../deploy/recipe.js";
import { checkpointFiles, judgeClean, listing } from "../checkpoint.js";
import { type Design, minutes, proxyJob, type Seat, seconds, stepIds } from "../design.js";
import { failed, lastLines, notYet } from "../output-lines.js";
import { programNames } from "../pair.js";
import { type ProxyStart, startProxy } from "../proxy.js";
import { judgeNotFailed, judgeRuns } from "../proxy-output.js";
import { entryOf, lastState, readStatus } from "../status-file.js";

/**
 * A directory of this run, of this machine, of this start: nothing that lies around elsewhere matters. `left`: the seat the application
 * had here two legs ago; its checkpoint, as big as the unikernel's memory, makes room for the next.
 */
export function stage(seat: Seat, needs: readonly string[], left?: Seat): Step {
  const { machine, directory } = seat;
  return {
    id: stepIds.stage(seat),
    phase: "stage",
    node: machine.node.name,
    title: "a directory of its own, with links to both programs",
    needs,
    repeat: "repeatable",
    acts: (known) => [
      ...(left === undefined ? [] : [{ kind: "remove-file", path: left.directory(known), recursive: true } as const]),
      { kind: "command", argv: ["mkdir", "-p", directory(known)], timeoutMs: 15 * seconds },
      {
        kind: "command",
        argv: ["ln", "-sf", ...Object.values(programNames).map((name) => `${machine.programs}/${name}`), `${directory(known)}/`],
        timeoutMs: 15 * seconds,
      },
    ],
    evidence: [
      {
        kind: "command",
        argv: (known) => listing(directory(known)),
        claim: "nothing else is in it",
        withinMs: 15 * seconds,
        judge: (result, known) => judgeClean(result, directory(known), []),
      },
    ],
  };
}

/** `stopStep`: where the files that were copied here are known from; undefined: the application begins. */
export function startSteps(design: Design, seat: Seat, start: ProxyStart, needs: readonly string[], stopStep?: string): Step[] {
  return [begin(design, seat, start, needs, stopStep), ready(design, seat, start)];
}

function begin(design: Design, seat: Seat, start: ProxyStart, needs: readonly string[], stopStep?: string): Step {
  const { node } = seat.machine;
  return {
    id: stepIds.start(seat),
    phase: "start",
    node: node.name,
    title: start.resume ? "the application resumes from the checkpoint" : "the application starts",
    needs,
    // Where it crashes, the console of the machine may say why.
    repeat: "verify",
    watch: "from-here",
    acts: (known) => {
      const copied = stopStep === undefined ? [] : Object.keys(checkpointFiles(known.outputs[stopStep]));
      return [
        {
          kind: "command",
          argv: listing(seat.directory(known)),
          timeoutMs: 15 * seconds,
          expect: (result) => judgeClean(result, seat.directory(known), copied),
        },
        startProxy(design, seat, known, start),
      ];
    },
    evidence: [
      {
        kind: "job",
        job: seat.job,
        claim: "the proxy runs",
        withinMs: 15 * seconds,
        judge: judgeNotFailed,
      },
    ],
  };
}

function readyWithinMs({ parameters }: Design, { resume }: ProxyStart): number {
  return (resume ? parameters.restoreWithinS : parameters.readyWithinS) * seconds;
}

function ready(design: Design, seat: Seat, start: ProxyStart): Step {
  return {
    id: stepIds.ready(seat),
    phase: "ready",
    node: seat.machine.node.name,
    title: start.resume ? "restored" : "ready for a migration",
    needs: [stepIds.start(seat)],
    repeat: "repeatable",
    evidence: [
      {
        kind: "file",
        path: (known) => `${seat.directory(known)}/.status`,
        wantText: true,
        claim: start.resume ? "the application has been restored and runs" : "the application is ready for a migration",
        withinMs: readyWithinMs(design, start),
        judge: (file, known) =>
          judgeReady(file?.text, seat.sinceMs(known), start, startedJob(known.outputs, stepIds.start(seat), proxyJob)?.startedMs),
        meanwhile: { job: seat.job, judge: judgeRuns },
      },
      { kind: "job", job: seat.job, claim: "the proxy has not failed", withinMs: 15 * seconds, judge: judgeNotFailed },
    ],
    rescue: {
      title: "end the proxy that is not ready",
      acts: (known) => [{ kind: "end", job: seat.job(known) }],
      evidence: [
        {
          kind: "job",
          job: seat.job,
          claim: "it has ended",
          withinMs: minutes,
          judge: (job) => (job.state === "running" ? notYet("it runs") : { ok: true, lines: lastLines(job) }),
        },
      ],
    },
  };
}

/** `.status` since the start. `startedMs`: when the process was there. */
export function judgeReady(text: string | undefined, sinceMs: number, start: ProxyStart, startedMs: number | undefined): Verdict {
  const blocked = "a proxy that finds a .lock waits without a word; one without /dev/kvm ends";
  if (text === undefined) return notYet(`there is no .status: ${blocked}`);
  const entries = readStatus(text, sinceMs);
  const awaited = start.server === undefined ? "READY_FOR_MIGRATION" : "PULLING_PAGES";
  const restoring = entryOf(entries, "RESTORING_CHKPT");
  const reached = entryOf(entries, awaited);
  const lines = entries.map(({ line }) => line);
  if (reached === undefined && entryOf(entries, "NOT_RUNNING") !== undefined)
    return failed(`the proxy has ended before it was ${start.resume ? "restored" : "ready"}; what it printed stands below`, lines);
  if (reached === undefined)
    return notYet(`.status says ${lastState(entries)}, not ${awaited}${entries.length === 0 ? `: ${blocked}` : ""}`, lines);
  if (start.resume && restoring === undefined)
    return failed("it runs without having restored anything: it has begun anew, without the files of the checkpoint", lines);
  if (!start.resume && restoring !== undefined)
    return failed(
      "it has restored something where it was to begin: an old checkpoint in its directory; undeploy, then deploy again",
      lines,
    );
  return {
    ok: true,
    lines,
    outputs: { readyMs: reached.atMs, ...(startedMs === undefined ? {} : { startedMs }) },
  };
}
