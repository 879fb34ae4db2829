/** What `look` prints of jobs → jobs. Pure. */
import { constants } from "node:os";
import { InternalError } from "../../../proto/base/errors.js";
import type { Job, JobState } from "../../ports/command.js";

export interface JobReport {
  readonly job: Job;
  readonly createdMs: number;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

/** Throws InternalError for anything `look` does not print. */
export function parseReports(output: Buffer): JobReport[] {
  const reports: JobReport[] = [];
  let fields: Record<string, string> = {};
  for (let at = 0; at < output.length; ) {
    const end = output.indexOf("\n", at);
    if (end < 0) throw new InternalError(`a job's report breaks off: ${output.toString("utf8", at).slice(0, 200)}`);
    const line = output.toString("utf8", at, end);
    const [name = ""] = line.split(" ", 1);
    fields[name] = line.slice(name.length + 1).trim();
    at = end + 1;
    if (name !== "output") continue;
    const [stdoutBytes = 0, stderrBytes = 0] = numbers(fields["output"]);
    const [middle, last] = [at + stdoutBytes, at + stdoutBytes + stderrBytes];
    if (last > output.length) throw new InternalError("a job's report breaks off in its output");
    reports.push({ ...describe(fields), stdout: output.subarray(at, middle), stderr: output.subarray(middle, last) });
    fields = {};
    at = last;
  }
  return reports;
}

function describe(fields: Readonly<Record<string, string>>): { job: Job; createdMs: number } {
  const { argv } = JSON.parse(fields["request"] ?? "{}") as { argv?: string[] };
  const [createdMs = 0] = numbers(fields["created"]);
  const [pid, , startedMs] = numbers(fields["started"]);
  const [stdoutBytes = 0, stderrBytes = 0] = numbers(fields["sizes"]);
  const job: Job = {
    id: fields["job"] ?? "",
    argv: argv ?? [],
    state: "running",
    startedMs: startedMs ?? createdMs,
    stdoutBytes,
    stderrBytes,
    ...(pid === undefined ? {} : { pid }),
    ...parseResult(fields["result"] ?? ""),
  };
  return { job, createdMs };
}

/** "STATE CODE MS REASON"; "" while it runs. */
function parseResult(line: string): Partial<Job> {
  const [, word = "", code = "", ended = "", reason = ""] = /^(\S+) (\d+) (\d+) ?(.*)$/.exec(line) ?? [];
  if (word === "") return {};
  const common = { endedMs: Number(ended), ...(reason.trim() === "" ? {} : { reason: reason.trim().replace(/:$/, "") }) };
  if (word === "ended") return { ...ending(Number(code)), ...common };
  if (word === "cancelled" || word === "timed-out") return { state: word, signal: signalName(Number(code)) ?? "SIGKILL", ...common };
  return { state: word as JobState, ...common };
}

/**
 * A shell tells the end by signal N as 128 + N, and a program may exit with that number as well; the signal is by far the likelier
 * (POSIX, Shell Command Language, 2.8.2). The reason says so: whoever knows the program may know better.
 */
function ending(code: number): Partial<Job> {
  const signal = code > 128 ? signalName(code - 128) : undefined;
  if (signal === undefined) return { state: "exited", exitCode: code };
  return { state: "signalled", signal, reason: `over ssh ${signal} looks like exit code ${code}, which it may have been` };
}

function signalName(number: number): string | undefined {
  return Object.entries(constants.signals).find(([, each]) => each === number)?.[0];
}

function numbers(text: string | undefined): number[] {
  return (text ?? "")
    .split(/\s+/)
    .filter((word) => word !== "")
    .map(Number);
}
