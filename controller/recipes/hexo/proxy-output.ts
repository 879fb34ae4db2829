/** A proxy's job, judged by its output. Its exit code is 0 for "migrated", for "finished" and for a guest that died (facts: HEXO §3). */
import type { JobSeen, Json, Verdict } from "../../deploy/recipe.js";
import { guestHalted, outputFailures } from "./failure-lines.js";
import { failed, howItEnded, lastLines, linesOf, notYet } from "./output-lines.js";

/** How far an application has come by what it printed; undefined where it counts nothing. */
export interface Progress {
  readonly last: number | undefined;
  /** Difference of its last two numbers. */
  readonly stride: number | undefined;
}

function everyLine({ stdout, stderr }: Pick<JobSeen, "stdout" | "stderr">): string[] {
  return [...linesOf(stderr), ...linesOf(stdout)];
}

/** A failure that no waiting changes; undefined: none is seen, the job may run or have ended with 0. */
export function proxyFailure(job: JobSeen): Verdict | undefined {
  const lines = everyLine(job);
  for (const { pattern, meaning } of outputFailures) {
    const line = lines.find((each) => pattern.test(each));
    if (line !== undefined) return failed(meaning, [line]);
  }
  if (job.state === "running" || job.exitCode === 0) return undefined;
  if (job.signal === "SIGUSR1")
    return failed("SIGUSR1 has killed the proxy: it came before the proxy could take it, which .status tells by READY_FOR_MIGRATION");
  return failed(
    `the proxy has ended: ${job.signal === undefined ? howItEnded(job) : job.signal}; its output is on the record`,
    lastLines(job),
  );
}

/** It runs, or has done what it was to do: what became of it, other requirements tell. */
export function judgeNotFailed(job: JobSeen): Verdict {
  const failure = proxyFailure(job);
  if (failure !== undefined) return failure;
  const halted = everyLine(job).find((line) => guestHalted.test(line));
  if (halted !== undefined && job.state !== "running")
    return failed("the guest is dead: it halted its CPU where it was to run; the exit code 0 says nothing", [halted]);
  return { ok: true, lines: [job.state === "running" ? `proxy, process ${job.pid}` : howItEnded(job)] };
}

/** It runs: one that has ended, whatever its exit code says, writes no `.status` any more. */
export function judgeRuns(job: JobSeen): Verdict {
  const verdict = judgeNotFailed(job);
  if (!verdict.ok || job.state === "running") return verdict;
  return failed(`the proxy has ended without saying so in .status (${howItEnded(job)}, which says nothing)`, lastLines(job));
}

/** The proxy of a full checkpoint has written it and ended: `Uhyve: exiting`, exit code 0. */
export function judgeCheckpointed(job: JobSeen): Verdict {
  const failure = proxyFailure(job);
  if (failure !== undefined) return failure;
  if (job.state === "running") return notYet("the application runs on; a program without migration points never stops for one");
  const exiting = linesOf(job.stdout).find((line) => /Uhyve: exiting/.test(line));
  if (exiting === undefined)
    return failed(
      "the application has ended without a checkpoint (exit code 0 says nothing): it finished before it was asked to migrate, or died; " +
        "a smaller migtest or a bigger class",
      lastLines(job),
    );
  return { ok: true, lines: [exiting] };
}

/** The source of a post-copy has given away all its memory: only then may it end. */
export function judgeServed(job: JobSeen): Verdict {
  const failure = proxyFailure(job);
  if (failure !== undefined) return failure;
  const lines = linesOf(job.stdout);
  const served = lines.find((line) => /Full remote memory served/.test(line));
  if (served !== undefined && job.state !== "running")
    return { ok: true, lines: [served], outputs: { servedMs: job.endedMs ?? job.startedMs } };
  const gone = lines.find((line) => /Client exited/.test(line));
  if (served === undefined && (gone !== undefined || job.state !== "running"))
    return failed(
      "the source has not served all its memory: its one client went away first, or was not the board; the application is lost, deploy again",
      gone === undefined ? lastLines(job) : [gone],
    );
  return notYet(served === undefined ? "memory is still with the source" : "the source has served everything and is about to end");
}

export function iterationsIn(stdout: string, pattern: RegExp | undefined): number[] {
  if (pattern === undefined) return [];
  return linesOf(stdout).flatMap((line) => {
    const number = pattern.exec(line)?.[1];
    return number === undefined ? [] : [Number(number)];
  });
}

/**
 * How far it came, and that it went on where it had stopped. `before`: undefined for an application that was not resumed. Puts out
 * `lastIteration` and `stride`.
 */
export function judgeProgress(stdout: string, pattern: RegExp | undefined, before: Progress | undefined): Verdict {
  if (pattern === undefined) return { ok: true, lines: ["the application counts no iterations"] };
  const numbers = iterationsIn(stdout, pattern);
  const [first] = numbers;
  if (before === undefined && first === undefined)
    return failed(
      "nothing was printed before the checkpoint, so a resumption cannot be told from a new start: a greater migtest; an application " +
        'that counts nothing needs iterations: ""',
      lastLines({ stdout, stderr: "" }),
    );
  if (before?.last !== undefined && first !== undefined) {
    if (first <= before.last)
      return failed(
        `iteration ${first} again, ${before.last} was done: it has not resumed but begun anew; are the files of the checkpoint in its directory?`,
        linesOf(stdout).slice(0, 8),
      );
    if (before.stride === 1 && first !== before.last + 1)
      return failed(`iteration ${first} follows ${before.last}: some are missing`, linesOf(stdout).slice(0, 8));
  }
  const last = numbers.at(-1) ?? before?.last;
  const [secondLast] = numbers.slice(-2, -1);
  const stride = secondLast === undefined || last === undefined ? before?.stride : last - secondLast;
  const seen = first === undefined ? "no iteration in between" : `iterations ${first} to ${last ?? first}`;
  return {
    ok: true,
    lines: [before?.last === undefined ? seen : `${seen}, after ${before.last}`],
    outputs: { ...(last === undefined ? {} : { lastIteration: last }), ...(stride === undefined ? {} : { stride }) },
  };
}

/** As judgeProgress, of a resumed application that may have printed nothing yet. */
export function judgeContinued(job: JobSeen, pattern: RegExp | undefined, before: Progress): Verdict {
  const alive = judgeNotFailed(job);
  if (!alive.ok) return alive;
  const isSilent = pattern !== undefined && iterationsIn(job.stdout, pattern).length === 0;
  if (isSilent && job.state === "running") return notYet("it has printed no iteration yet");
  return judgeProgress(job.stdout, pattern, before);
}

/** What judgeProgress has put out under a step. */
export function progressOf(outputs: Readonly<Record<string, Json>> | undefined): Progress {
  const [last, stride] = [outputs?.["lastIteration"], outputs?.["stride"]];
  return { last: typeof last === "number" ? last : undefined, stride: typeof stride === "number" ? stride : undefined };
}

/** The application has come to its own end, with the line that says that its result is right. */
export function judgeFinished(job: JobSeen, success: RegExp | undefined): Verdict {
  const failure = proxyFailure(job);
  if (failure !== undefined) return failure;
  if (job.state === "running") return notYet("the application runs");
  const lines = linesOf(job.stdout);
  const halted = everyLine(job).find((line) => guestHalted.test(line));
  if (success === undefined && halted !== undefined) return failed("the guest has halted its CPU, as a dead one does", [halted]);
  if (success === undefined) return { ok: true, lines: lines.slice(-3) };
  const line = lines.find((each) => success.test(each));
  if (line === undefined)
    return failed(
      `it has ended with exit code 0, which says nothing, and never printed ${success.source}: its result is wrong, or it died on the way`,
      lastLines(job),
    );
  return { ok: true, lines: [line] };
}
