/** One migration: asked for, stopped, copied, compared (facts: HEXO §3, §4 steps 2 and 3, post-copy). */
import { type Act, type Known, startedJob, type Requirement, type Step, type Verdict } from "../../../deploy/recipe.js";
import { checkpointFiles, hashesOf, judgeArrived, judgeCheckpoint, judgeHashes, listing } from "../checkpoint.js";
import { type Design, minutes, proxyJob, type Seat, seconds, stepIds } from "../design.js";
import { failed, lastLines, notYet } from "../output-lines.js";
import { copyFile, judgeCopy } from "../rsync.js";
import { judgeCheckpointed, judgeNotFailed, judgeProgress, judgeRuns, judgeServed, type Progress, proxyFailure } from "../proxy-output.js";
import { entryOf, lastState, readStatus } from "../status-file.js";

export interface Asking {
  /** By SIGUSR1 after this time; undefined: the proxy asks itself (MIGTEST). */
  readonly signalAfterMs: number | undefined;
  /** Seconds of MIGTEST; 0 with a signal. */
  readonly migtest: number;
  /** What the application had printed when it was brought to this seat. */
  readonly before: (known: Known) => Progress | undefined;
}

/** From the request to a checkpoint that is whole, fresh and known by its checksums. */
export function stop(design: Design, seat: Seat, asking: Asking, needs: readonly string[]): Step {
  const { parameters, signs } = design;
  const id = stepIds.stop(seat);
  const isFull = parameters.mode === "checkpoint";
  const withinMs = (parameters.checkpointWithinS + asking.migtest) * seconds;
  return {
    id,
    phase: "stop",
    node: seat.machine.node.name,
    title: `${asking.signalAfterMs === undefined ? `MIGTEST=${asking.migtest}` : "SIGUSR1"}, then a ${isFull ? "full checkpoint" : "checkpoint whose memory stays"}`,
    needs,
    repeat: "verify",
    ...(asking.signalAfterMs === undefined ? {} : { acts: (known: Known) => signalActs(seat, known, asking.signalAfterMs ?? 0) }),
    actsWithinMs: (asking.signalAfterMs ?? 0) + 2 * minutes,
    evidence: [
      isFull ? checkpointed(seat, withinMs) : notFailed(seat),
      stopped(design, seat, asking, isFull ? 15 * seconds : withinMs),
      ...(isFull ? [] : [serves(seat)]),
      {
        kind: "job",
        job: seat.job,
        claim: asking.migtest > 0 || signs.iterations !== undefined ? "how far the application had come" : "the application's output",
        withinMs: 15 * seconds,
        judge: (job, known) => judgeProgress(job.stdout, signs.iterations, asking.before(known)),
      },
      {
        kind: "command",
        argv: (known) => listing(seat.directory(known)),
        claim: "the checkpoint is complete, newer than the proxy's start, mdata.bin last",
        withinMs: 30 * seconds,
        judge: (result, known) => judgeCheckpoint(result, parameters.mode, seat.sinceMs(known)),
      },
      {
        kind: "command",
        argv: (known) => ["sha256sum", ...filesOf(known, id).map((name) => `${seat.directory(known)}/${name}`)],
        claim: "its files are known by their checksums",
        withinMs: 10 * minutes,
        judge: (result, known) => judgeHashes(result, filesOf(known, id)),
      },
    ],
  };
}

/** The signal kills a proxy that does not take it yet: .status is read right before it. */
function signalActs(seat: Seat, known: Known, afterMs: number): Act[] {
  return [
    ...(afterMs > 0 ? [{ kind: "pause", forMs: afterMs, why: "let the application come somewhere" } as const] : []),
    {
      kind: "command",
      argv: ["cat", `${seat.directory(known)}/.status`],
      timeoutMs: 15 * seconds,
      expect: ({ stdout, startedMs }) => judgeAskable(stdout, seat.sinceMs(known), startedMs),
    },
    { kind: "signal", job: seat.job(known), signal: "SIGUSR1" },
  ];
}

/** SIGUSR1 may be sent. Puts out when, as `requestedMs`. */
export function judgeAskable(text: string, sinceMs: number, nowMs: number): Verdict {
  const entries = readStatus(text, sinceMs);
  const state = lastState(entries);
  if (state === "READY_FOR_MIGRATION") return { ok: true, outputs: { requestedMs: nowMs } };
  const lines = entries.map(({ line }) => line);
  if (state === "NOT_RUNNING")
    return failed("the application has ended before it could be asked to migrate: ask earlier, or a bigger class", lines);
  return failed(`.status says ${state}: SIGUSR1 is safe only at READY_FOR_MIGRATION, else it kills the proxy`, lines);
}

function checkpointed(seat: Seat, withinMs: number): Requirement {
  return { kind: "job", job: seat.job, claim: "the proxy has written a checkpoint and ended", withinMs, judge: judgeCheckpointed };
}

function stopped({ parameters }: Design, seat: Seat, asking: Asking, withinMs: number): Requirement {
  const mode = parameters.mode;
  return {
    kind: "file",
    path: (known) => `${seat.directory(known)}/.status`,
    wantText: true,
    claim:
      mode === "checkpoint"
        ? ".status tells of the checkpoint and of the end"
        : ".status tells of the checkpoint and that memory is served",
    withinMs,
    judge: (file, known) => {
      const verdict = judgeStopped(file?.text, seat.sinceMs(known), mode === "checkpoint" ? "NOT_RUNNING" : "SERVING_REMOTE_PAGES");
      const started = startedJob(known.outputs, stepIds.start(seat), proxyJob)?.startedMs;
      if (!verdict.ok || asking.signalAfterMs !== undefined || started === undefined) return verdict;
      // The timer is set a moment after the start; the request is never later than what it led to.
      const requestedMs = Math.min(started + asking.migtest * seconds, Number(verdict.outputs?.["checkpointingMs"] ?? 0));
      return { ...verdict, outputs: { ...verdict.outputs, requestedMs } };
    },
    meanwhile: { job: seat.job, judge: judgeRuns },
  };
}

/** CHECKPOINTING, then the state awaited, since `sinceMs`. Puts out `stoppedMs`. */
export function judgeStopped(text: string | undefined, sinceMs: number, awaited: "NOT_RUNNING" | "SERVING_REMOTE_PAGES"): Verdict {
  const entries = readStatus(text ?? "", sinceMs);
  const lines = entries.map(({ line }) => line);
  const writing = entryOf(entries, "CHECKPOINTING");
  const end = entryOf(entries, "NOT_RUNNING");
  if (writing === undefined && end !== undefined)
    return failed(
      "the application has ended without a checkpoint: it finished before it was asked to migrate; a smaller migtest or a bigger class",
      lines,
    );
  if (writing === undefined) return notYet(`.status says ${lastState(entries)}, not CHECKPOINTING`, lines);
  const reached = entryOf(entries, awaited);
  if (reached === undefined && end !== undefined) return failed(`it has ended without ${awaited}: its memory is lost`, lines);
  return reached === undefined
    ? notYet(`.status says ${lastState(entries)}, not ${awaited}`, lines)
    : { ok: true, lines, outputs: { checkpointingMs: writing.atMs, stoppedMs: reached.atMs } };
}

/** A signal that came too early has killed it by now. */
function notFailed(seat: Seat): Requirement {
  return { kind: "job", job: seat.job, claim: "the proxy has not failed", withinMs: 15 * seconds, judge: judgeNotFailed };
}

/** In post-copy the source must live on: with it the memory would be lost. */
function serves(seat: Seat): Requirement {
  return {
    kind: "job",
    job: seat.job,
    claim: "the source lives and serves its memory",
    withinMs: 15 * seconds,
    judge: (job) => {
      const failure = proxyFailure(job);
      if (failure !== undefined) return failure;
      return job.state === "running"
        ? { ok: true, lines: [`proxy, process ${job.pid}`] }
        : failed("the source has ended before anybody fetched its memory: the application is lost; deploy again", lastLines(job));
    },
  };
}

/** The files of this checkpoint, by name, and no others; then both machines must agree on them. */
export function carry(design: Design, source: Seat, target: Seat, needs: readonly string[]): Step[] {
  const { pair, parameters } = design;
  const stopStep = stepIds.stop(source);
  const transfer = stepIds.transfer(pair, target.number);
  const timeoutMs = parameters.transferWithinMin * minutes;
  return [
    {
      id: transfer,
      phase: "transfer",
      node: pair.x86.node.name,
      title: `the checkpoint from ${source.machine.node.name} to ${target.machine.node.name}`,
      needs: [...needs, stopStep, stepIds.stage(target)],
      repeat: "repeatable",
      actsWithinMs: timeoutMs,
      acts: (known) =>
        filesOf(known, stopStep).map((name) => ({
          kind: "command",
          argv: copyFile(pair.login, target.machine.side, `${source.directory(known)}/${name}`, target.directory(known)),
          timeoutMs,
          expect: (result) => judgeCopy(result, name),
        })),
      evidence: [],
    },
    {
      id: stepIds.arrived(target),
      phase: "arrived",
      node: target.machine.node.name,
      title: "sizes and checksums are those of the source",
      needs: [transfer],
      repeat: "repeatable",
      evidence: [
        {
          kind: "command",
          argv: (known) => listing(target.directory(known)),
          claim: "every file has its size",
          withinMs: 30 * seconds,
          judge: (result, { outputs }) => judgeArrived(result, checkpointFiles(outputs[stopStep])),
        },
        {
          kind: "command",
          argv: (known) => ["sha256sum", ...filesOf(known, stopStep).map((name) => `${target.directory(known)}/${name}`)],
          claim: "every file has its checksum",
          withinMs: 10 * minutes,
          judge: (result, known) =>
            judgeHashes(result, filesOf(known, stopStep), hashesOf(known.outputs[stopStep]), source.machine.node.name),
        },
      ],
    },
  ];
}

/** Post-copy: the source has given away everything and ended by itself. */
export function served({ parameters }: Design, source: Seat, needs: readonly string[]): Step {
  return {
    id: stepIds.served(source),
    phase: "served",
    node: source.machine.node.name,
    title: "all memory has been served, the source has ended",
    needs,
    repeat: "repeatable",
    evidence: [
      {
        kind: "job",
        job: source.job,
        claim: "the full remote memory was served",
        withinMs: parameters.finishWithinMin * minutes,
        judge: judgeServed,
      },
    ],
  };
}

function filesOf({ outputs }: Known, stopStep: string): string[] {
  return Object.keys(checkpointFiles(outputs[stopStep])).sort();
}

/** On the other machine meanwhile: a proxy that cannot get its pages says so, and its source would wait for it without end. */
export function pulling({ parameters }: Design, source: Seat, target: Seat): Step {
  return {
    id: stepIds.pulling(target),
    phase: "pulling",
    node: target.machine.node.name,
    title: "it lives until it has all its memory",
    needs: [stepIds.ready(target)],
    repeat: "repeatable",
    evidence: [
      {
        kind: "job",
        job: target.job,
        claim: "the proxy has not failed while its memory came",
        withinMs: parameters.finishWithinMin * minutes,
        judge: (job, { outputs }) => {
          const verdict = judgeNotFailed(job);
          return verdict.ok && outputs[stepIds.served(source)] === undefined ? notYet("memory is still with the source") : verdict;
        },
      },
    ],
  };
}
