/** Plans, runs and their events as the contract says them. Pure. */
import type {
  Evidence as WireEvidence,
  Failure as WireFailure,
  Plan as WirePlan,
  Rescue as WireRescue,
  Run as WireRun,
  RunEvent as WireRunEvent,
  StepState as WireStepState,
} from "../../proto/gen/lab/v1/deployment.js";
import type { Evidence, EvidenceSource, Failure, PlanView, RunEntry } from "../deploy/entries.js";
import type { RescueRecord } from "../deploy/rescue-record.js";
import type { RunEvent } from "../deploy/run-feed.js";
import type { RunState, StepRecord } from "../deploy/run-state.js";

export function planMessage(plan: PlanView): WirePlan {
  const steps = plan.steps.map(({ node, standing = [], rescue, ...step }) => ({
    ...step,
    standing: [...standing],
    rescue: rescue?.title ?? "",
    rescueEvidence: [...(rescue?.evidence ?? [])],
    nodes: [node],
    evidence: [...step.evidence],
    needs: [...step.needs],
    deadlineMs: milliseconds(step.deadlineMs),
  }));
  return { ...plan, exercise: plan.exercise ?? "", nodes: [...plan.nodes], steps };
}

export function runMessage(run: RunState): WireRun {
  return {
    id: run.id,
    deployment: run.plan.deployment,
    direction: run.plan.direction,
    state: run.status,
    startedBy: run.startedBy,
    startedMs: milliseconds(run.startedMs),
    endedMs: milliseconds(run.endedMs),
    plan: planMessage(run.plan),
    failure: run.failure === undefined ? undefined : failureMessage(run.failure, run.endedMs),
    evidence: run.evidence.map((each) => evidenceMessage(each, each.timeMs)),
    steps: run.plan.steps.map((step) => stepMessage(step.id, run)),
    nonce: run.nonce,
    rescues: Object.values(run.rescues).map(rescueMessage),
  };
}

/** What an entry or a progress tells a watcher; nothing for entries that only the controller needs. */
export function eventMessages(event: RunEvent): WireRunEvent[] {
  if (event.kind === "progress") {
    const { elapsedMs, deadlineMs, ...progress } = event.progress;
    const value = { ...progress, elapsedMs: milliseconds(elapsedMs), deadlineMs: milliseconds(deadlineMs) };
    return [{ sequence: 0n, timeMs: milliseconds(event.timeMs), event: { $case: "progress", value } }];
  }
  const { entry } = event;
  return toldBy(entry).map((told) => ({ sequence: BigInt(entry.sequence), timeMs: milliseconds(entry.timeMs), event: told }));
}

function toldBy(entry: RunEntry): NonNullable<WireRunEvent["event"]>[] {
  switch (entry.type) {
    case "planned":
      return [{ $case: "planned", value: planMessage(entry.data.plan) }];
    case "leased":
      return [{ $case: "leasedUntilMs", value: milliseconds(entry.data.expiresMs) }];
    case "step-began":
      return [{ $case: "stepBegan", value: entry.data.step }];
    case "step-succeeded":
      return [{ $case: entry.data.standing === true ? "stepStanding" : "stepSucceeded", value: entry.data.step }];
    case "evidence":
      return [{ $case: "evidence", value: evidenceMessage(entry.data.evidence, entry.timeMs) }];
    case "step-failed":
      return [{ $case: "failed", value: failureMessage(entry.data.failure, entry.timeMs) }];
    case "rescue-began": {
      const { step, node, title } = entry.data;
      return [{ $case: "rescue", value: { step, node, title, state: "running", summary: "" } }];
    }
    case "rescue-ended": {
      const { done, ...told } = entry.data;
      return [{ $case: "rescue", value: { ...told, state: done ? "done" : "failed" } }];
    }
    case "cancelling":
      return [{ $case: "cancelling", value: entry.data.by }];
    case "resumed":
      return [{ $case: "resumed", value: entry.data.reason }];
    case "ended": {
      const { outcome, failure } = entry.data;
      const ended = { $case: "ended" as const, value: outcome };
      return failure === undefined ? [ended] : [{ $case: "failed", value: failureMessage(failure, entry.timeMs) }, ended];
    }
    case "act-began":
    case "act-done":
    case "not-standing":
    case "step-stopped":
      return [];
  }
}

function stepMessage(id: string, run: RunState): WireStepState {
  const record = run.steps[id];
  const state = record === undefined ? "waiting" : stepStateName(record, run.endedMs !== undefined);
  return { id, state, beganMs: milliseconds(record?.beganMs), endedMs: milliseconds(record?.endedMs) };
}

function rescueMessage({ step, node, title, status, summary }: RescueRecord): WireRescue {
  return { step, node, title, state: status, summary };
}

function stepStateName({ status, standing }: StepRecord, isEnded: boolean): string {
  if (status === "stopped") return "cancelled";
  if (status === "succeeded" && standing === true) return "standing";
  return status === "waiting" && isEnded ? "skipped" : status;
}

function failureMessage(failure: Failure, timeMs: number | undefined): WireFailure {
  return { ...failure, next: [...failure.next], evidence: failure.evidence.map((each) => evidenceMessage(each, timeMs)) };
}

function evidenceMessage({ step, node, claim, source }: Evidence, timeMs: number | undefined): WireEvidence {
  return { step, node, claim, source: sourceMessage(source), timeMs: milliseconds(timeMs) };
}

function sourceMessage(source: EvidenceSource): NonNullable<WireEvidence["source"]> {
  switch (source.kind) {
    case "console": {
      const { offset, endOffset, line } = source;
      return { $case: "console", value: { offset: BigInt(offset), endOffset: BigInt(endOffset), line } };
    }
    case "command":
      return { $case: "command", value: { argv: [...source.argv], exitCode: source.exitCode, lines: [...source.lines] } };
    case "file":
      return { $case: "file", value: { path: source.path, sha256: source.sha256, sizeBytes: BigInt(source.sizeBytes) } };
    case "reading":
      return { $case: "reading", value: source.text };
  }
}

/** 0 stands for "not yet". */
function milliseconds(ms: number | undefined): bigint {
  return BigInt(Math.round(ms ?? 0));
}
