/** A command as an act: a job with a key, judged by its end. */
import { CancelledError } from "../../proto/base/errors.js";
import type { CommandResult } from "../ports.js";
import { jobId } from "./act-key.js";
import type { EvidenceSource } from "./entries.js";
import type { Act, Json } from "./recipe.js";
import { RunAbandonedError } from "./run-journal.js";
import type { StepContext } from "./step-context.js";
import { StepFailedError } from "./step-failure.js";

type Command = Extract<Act, { kind: "command" }>;
type Outputs = Readonly<Record<string, Json>>;

/** How many lines of a program's output tell why it failed. */
const tailCount = 12;

/** Runs the job to its end, or finds it. Throws StepFailedError unless it did its work. */
export async function runCommand(act: Command, n: number, context: StepContext, signal: AbortSignal): Promise<Outputs> {
  const { node, journal, step } = context;
  const request = {
    argv: act.argv,
    cwd: act.cwd ?? "",
    env: act.env ?? {},
    timeoutMs: act.timeoutMs,
    ...(act.stdin === undefined ? {} : { stdin: new TextEncoder().encode(act.stdin) }),
  };
  const onLine = (line: string) => context.progress.line(line);
  const cancel = unlessAbandoned(signal);
  try {
    const run = (part: string) =>
      node.run({ ...request, jobId: jobId(journal.state.id, step.id, part) }, { fence: context.fence(), onLine, signal: cancel.signal });
    const first = await run(String(n));
    // An agent that dies with a job in hand leaves one that will never begin: the next agent vouches for that, so nothing is done twice.
    const result = first.state === "not-started" ? await run(`${n}-again`) : first;
    return judgeCommand(act, result, signal);
  } finally {
    cancel.release();
  }
}

/** A job lives on when only this controller stops: the next one finds it by its id. */
function unlessAbandoned(signal: AbortSignal): { signal: AbortSignal; release: () => void } {
  const cancel = new AbortController();
  const pass = () => {
    if (!(signal.reason instanceof RunAbandonedError)) cancel.abort(signal.reason);
  };
  if (signal.aborted) pass();
  else signal.addEventListener("abort", pass, { once: true });
  return { signal: cancel.signal, release: () => signal.removeEventListener("abort", pass) };
}

function judgeCommand(act: Command, result: CommandResult, signal: AbortSignal): Outputs {
  const name = act.argv.join(" ");
  if (signal.aborted) throw CancelledError.from(signal);
  switch (result.state) {
    case "lost":
      throw new StepFailedError({
        summary: `"${name}" was lost: the machine went down under it`,
        blame: "lab",
        cause: result.reason ?? "",
      });
    case "not-started":
      throw new StepFailedError({ summary: `"${name}" could not be started`, blame: "lab", cause: result.reason ?? "" });
    case "cancelled":
      throw new StepFailedError({ summary: `"${name}" was cancelled on the node, not by this run`, blame: "user" });
    case "exited":
    case "signalled":
    case "timed-out":
      break;
  }
  const verdict = act.expect?.(result);
  if (verdict?.ok === true) return verdict.outputs ?? {};
  if (verdict === undefined && result.exitCode === 0) return {};
  throw new StepFailedError({
    summary: `"${name}" ${verdict === undefined ? commandEnd(act, result) : `did not do its work: ${verdict.reason}`}`,
    blame: "system",
    evidence: [{ claim: "its last lines", source: commandSource(act.argv, result, verdict?.lines) }],
  });
}

function commandEnd(act: Command, result: CommandResult): string {
  if (result.state === "timed-out") return `was still running after ${act.timeoutMs / 1000} s and was stopped`;
  if (result.state === "signalled")
    return `was ended by ${result.signal ?? "a signal"}${result.reason === undefined ? "" : ` (${result.reason})`}`;
  return `ended with exit code ${String(result.exitCode)}`;
}

/** A command as evidence: the lines named, else what it printed last, errors before output. */
export function commandSource(
  argv: readonly string[],
  result: Pick<CommandResult, "exitCode" | "stdout" | "stderr">,
  lines: readonly string[] | undefined,
): Extract<EvidenceSource, { kind: "command" }> {
  const shown = lines ?? (result.stderr.trim() === "" ? tailLines(result.stdout) : tailLines(result.stderr));
  return { kind: "command", argv, exitCode: result.exitCode ?? -1, lines: shown };
}

/** The last lines that are not blank. */
function tailLines(text: string): string[] {
  return text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== "")
    .slice(-tailCount);
}
