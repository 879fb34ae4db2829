/** Looking at a node again and again until it shows what a step needs: a command, a file, facts, boot menu, power, capture. */
import { withDeadline } from "../../proto/base/abort.js";
import { Backoff } from "../../proto/base/backoff.js";
import { sleep } from "../../proto/base/clock.js";
import { DeadlineError, InternalError, LabError } from "../../proto/base/errors.js";
import { jobId } from "./act-key.js";
import { commandSource } from "./command-act.js";
import type { EvidenceSource } from "./entries.js";
import type { FileSeen, Known, Look, Verdict } from "./recipe.js";
import { knownTo, type StepContext } from "./step-context.js";
import { StepFailedError } from "./step-failure.js";

/** What one look showed and what the recipe says of it. */
export interface Seen {
  readonly verdict: Verdict;
  readonly source?: EvidenceSource;
  readonly unreachable?: boolean;
  /** The newest line of what goes on there, for a screen. */
  readonly line?: string | undefined;
}

const textLimitBytes = 1024 * 1024;

/**
 * Asks until the step's `index`-th requirement is met, then journals the evidence.
 * Throws StepFailedError at a final verdict or when its time is over, and what the node's ports throw, except that
 * a machine that boots is out of reach for a while.
 */
export async function pollRequirement(requirement: Look, index: number, context: StepContext): Promise<void> {
  const { step, journal, clock, progress } = context;
  const { claim, withinMs } = requirement;
  let last: Seen | undefined;
  progress.doing(claim, withinMs);
  const wait = { subject: step.node, awaited: claim, deadlineMs: withinMs, lastSeen: () => reasonOf(last) };
  const looks = async (signal: AbortSignal): Promise<Seen> => {
    const backoff = new Backoff({ initialMs: 250, capMs: 3000, factor: 1.5, jitter: 0, stableMs: Number.POSITIVE_INFINITY });
    let over: Seen | undefined;
    for (let attempt = 1; ; attempt += 1) {
      last = await lookAt(requirement, `e${index}-${journal.state.resumes}-${attempt}`, context, signal);
      if (last.verdict.ok) return last;
      progress.line(last.line ?? last.verdict.reason);
      if (last.verdict.final === true) throw failed(`${claim}: ${last.verdict.reason}`, last);
      if (over !== undefined) throw failed(`${claim}: ${reasonOf(over) ?? ""}`, over);
      if (last.unreachable !== true) over = await lookMeanwhile(requirement, context, signal);
      if (over === undefined) await sleep(clock, backoff.nextDelayMs(0), { signal });
    }
  };
  const { verdict, source } = await withDeadline(clock, wait, looks, { signal: context.signal }).catch((error: unknown) => {
    throw error instanceof DeadlineError ? failed(error.message, last) : error;
  });
  const outputs = verdict.ok && verdict.outputs !== undefined ? { outputs: verdict.outputs } : {};
  const evidence = { step: step.id, node: step.node, claim, source: source ?? { kind: "reading" as const, text: claim } };
  await journal.append({ type: "evidence", data: { evidence, requirement: index, ...outputs } });
}

/** What tells that nothing more is to be expected; undefined while it may still come. */
async function lookMeanwhile(requirement: Look, context: StepContext, signal: AbortSignal): Promise<Seen | undefined> {
  if (requirement.kind !== "file" || requirement.meanwhile === undefined) return undefined;
  const { claim, withinMs, meanwhile } = requirement;
  const seen = await lookAt({ kind: "job", claim, withinMs, ...meanwhile }, "", context, signal);
  return !seen.verdict.ok && seen.verdict.final === true ? seen : undefined;
}

function reasonOf(look: Seen | undefined): string | undefined {
  return look === undefined || look.verdict.ok ? undefined : look.verdict.reason;
}

function failed(summary: string, look: Seen | undefined): StepFailedError {
  const evidence = look?.source === undefined ? [] : [{ claim: "what was seen last", source: look.source }];
  return new StepFailedError({ summary, blame: look?.unreachable === true ? "lab" : "system", evidence });
}

/** Looks once. `attempt` names the look among those of its step; `known` is what the recipe's judgement may rest on. */
export async function lookAt(
  requirement: Look,
  attempt: string,
  context: StepContext,
  signal: AbortSignal,
  known: Known = knownTo(context.step, context.journal.state),
): Promise<Seen> {
  try {
    return await look(requirement, attempt, known, context, signal);
  } catch (error) {
    // "deadline": a machine that was just switched off leaves its agent's connection standing for a while.
    if (!(error instanceof LabError) || (error.code !== "unreachable" && error.code !== "deadline")) throw error;
    return { verdict: { ok: false, reason: error.message }, unreachable: true };
  }
}

async function look(requirement: Look, attempt: string, known: Known, context: StepContext, signal: AbortSignal): Promise<Seen> {
  const { node, step } = context;
  switch (requirement.kind) {
    case "command":
      return lookByCommand(requirement, attempt, known, context, signal);
    case "job": {
      const id = requirement.job(known);
      const job = await node.jobs.read(id, { signal });
      if (job === undefined) return { verdict: { ok: false, final: true, reason: `${node.name} knows no job ${id}` } };
      const verdict = requirement.judge(job, known);
      return { verdict, source: commandSource([id], job, verdict.lines), line: newestLine(job.stdout) ?? newestLine(job.stderr) };
    }
    case "file":
      return lookAtFile(requirement, known, context, signal);
    case "facts": {
      const facts = await node.facts({ signal });
      const text = `${facts.kernel} ${facts.kernelRelease}, up ${facts.uptimeS.toFixed(0)} s, boot ${facts.bootId}`;
      return reading(requirement.judge(facts, known), text);
    }
    case "boot-menu": {
      const menu = await node.boot.menu({ signal });
      const text = `default "${menu.defaultEntry}", next "${menu.nextEntry}", entries ${menu.entries.map((each) => each.id).join(", ")}`;
      return reading(requirement.judge(menu, known), text);
    }
    case "power": {
      const { state } = await node.power.read({ signal });
      const ok = state === requirement.state;
      return reading(ok ? { ok } : { ok, reason: `power is ${state}` }, `chassis power is ${state}`);
    }
    case "console-up": {
      if (node.console === undefined) throw new InternalError(`${step.node}: has no console to look at`);
      const extent = await node.console.extent({ signal });
      const ok = extent.state === "up";
      const reason = `console is ${extent.state}${extent.reason === "" ? "" : `: ${extent.reason}`}`;
      return reading(ok ? { ok } : { ok, reason }, `console is ${extent.state} at offset ${extent.endOffset}`);
    }
  }
}

function newestLine(output: string): string | undefined {
  const line = output.trimEnd().split(/\r?\n/).at(-1);
  return line === "" ? undefined : line;
}

/** A verdict's own lines say it best; without them, what was read. */
function reading(verdict: Verdict, text: string): Seen {
  return {
    verdict,
    source: { kind: "reading", text: verdict.lines === undefined || verdict.lines.length === 0 ? text : verdict.lines.join("; ") },
  };
}

async function lookByCommand(
  requirement: Extract<Look, { kind: "command" }>,
  attempt: string,
  known: Known,
  context: StepContext,
  signal: AbortSignal,
): Promise<Seen> {
  const argv = requirement.argv(known);
  const request = {
    jobId: jobId(known.runId, context.step.id, attempt),
    argv,
    cwd: requirement.cwd ?? "",
    env: {},
    timeoutMs: requirement.withinMs,
  };
  const result = await context.node.run(request, { fence: context.fence(), signal });
  if (result.state === "not-started" || result.state === "lost") {
    return { verdict: { ok: false, reason: `"${argv.join(" ")}": ${result.reason ?? result.state}` } };
  }
  const verdict = requirement.judge(result, known);
  return { verdict, source: commandSource(argv, result, verdict.lines) };
}

async function lookAtFile(
  requirement: Extract<Look, { kind: "file" }>,
  known: Known,
  context: StepContext,
  signal: AbortSignal,
): Promise<Seen> {
  const { files } = context.node;
  const path = requirement.path(known);
  const info = await files.stat(path, { wantSha256: true, signal });
  if (info === undefined) return reading(requirement.judge(undefined, known), `nothing is at ${path}`);
  const wantText = requirement.wantText === true && info.kind === "file" && info.sizeBytes <= textLimitBytes;
  const text = wantText ? new TextDecoder().decode(await files.read(path, { limitBytes: textLimitBytes, signal })) : undefined;
  const seen: FileSeen = { kind: info.kind, sizeBytes: info.sizeBytes, modifiedMs: info.modifiedMs, sha256: info.sha256, text };
  const source = { kind: "file" as const, path, sha256: info.sha256 ?? "", sizeBytes: info.sizeBytes };
  return { verdict: requirement.judge(seen, known), source };
}
