/** A run in words: the plan, the evidence it rests on, the failure as a bug report. Pure. */
import type { Evidence, Failure, Plan, Rescue, Run, StepState } from "../../../proto/gen/lab/v1/deployment.js";
import { fit, type Style, table } from "../terminal.js";
import { duration, grouped, recordTime, roughly } from "../units.js";

/** What `lab plan` prints: every step, node, deadline and required evidence. */
export function planLines(plan: Plan, style: Style): string[] {
  const phases = new Set(plan.steps.map((step) => step.phase)).size;
  const count = (number: number, what: string) => `${number} ${what}${number === 1 ? "" : "s"}`;
  const head = `${style.bold(plan.title)} · ${count(plan.steps.length, "step")} in ${count(phases, "phase")}`;
  const lines = [head];
  let phase = "";
  for (const step of plan.steps) {
    if (step.phase !== phase) lines.push("", style.bold(step.phase));
    phase = step.phase;
    const notes = [`at most ${roughly(Number(step.deadlineMs))}`, ...(step.repeat === "verify" ? ["never done twice"] : [])];
    lines.push(`  ${style.cyan(step.nodes.join(" "))}  ${step.title}  ${style.dim(`(${notes.join(", ")})`)}`);
    if (step.needs.length > 0) lines.push(style.dim(`      after     ${step.needs.join(" ")}`));
    for (const standing of step.standing) lines.push(`      unless    ${standing}`);
    for (const evidence of step.evidence) lines.push(`      evidence  ${evidence}`);
    if (step.rescue !== "") lines.push(`      rescue    ${step.rescue}`);
    for (const evidence of step.rescueEvidence) lines.push(`        shows   ${evidence}`);
  }
  return [...lines, "", style.dim(`digest ${plan.digest.slice(0, 16)}; nothing was touched`)];
}

/** One claim with its source: "p0 console @1,204,331  fit: FIT layer ready to go!". */
export function evidenceCells(evidence: Evidence): string[] {
  const { node, claim, source } = evidence;
  switch (source?.$case) {
    case "console":
      return [node, `console @${grouped(source.value.offset)}`, claim, source.value.line];
    case "command":
      return [node, source.value.argv.slice(0, 3).join(" "), claim, source.value.lines.join(" ⏎ ")];
    case "file":
      return [node, source.value.path, claim, source.value.sha256 === "" ? "" : `sha256 ${source.value.sha256.slice(0, 12)}…`];
    default:
      return [node, "reading", claim, source?.value ?? ""];
  }
}

/** Claims and their sources, in columns. */
export function evidenceLines(evidence: readonly Evidence[], columns: number): string[] {
  return table(evidence.map(evidenceCells)).map((line) => fit(`  ${line}`, columns));
}

/** Sources alone: what was seen speaks for itself. */
export function citedLines(evidence: readonly Evidence[], columns: number): string[] {
  const rows = evidence
    .map(evidenceCells)
    .map(([node = "", where = "", claim = "", what = ""]) => [node, fit(where, 40), what === "" ? claim : what]);
  return table(rows).map((line) => fit(`  ${line}`, columns));
}

/** The screen is the bug report: what failed, what it rests on, why, how the nodes stand, what to do. */
export function failureLines(failure: Failure, style: Style): string[] {
  const lines = [`${style.red("✗")} ${style.bold(failure.step)}  ${failure.node}  ${failure.summary}`];
  for (const each of failure.evidence) lines.push(...evidenceText(each));
  if (failure.cause !== "") lines.push(`  cause  ${failure.cause}`);
  if (failure.state !== "") lines.push(`  state  ${failure.state}`);
  failure.next.forEach((command, index) => lines.push(`  ${index === 0 ? "next " : "     "}  ${command}`));
  return lines;
}

function evidenceText(evidence: Evidence): string[] {
  const { node, source } = evidence;
  if (source?.$case === "console") return [`  ${node} @${grouped(source.value.offset)} ▏${source.value.line}`];
  if (source?.$case === "command") return source.value.lines.map((line) => `  ${node} ▏${line}`);
  const [, what = "", claim = "", text = ""] = evidenceCells(evidence);
  return [`  ${node}  ${[what, claim, text].filter((each) => each !== "").join("  ")}`];
}

function stepCells({ id, state, beganMs, endedMs }: StepState, rescues: readonly Rescue[]): string[] {
  const took = endedMs > 0n ? duration(Number(endedMs - beganMs)) : "";
  const rescue = rescues.find((each) => each.step === id)?.summary ?? "";
  return [`  ${id}`, state === "standing" ? "stands already" : state, took, ...(rescue === "" ? [] : [rescue])];
}

/** "deploy", "undeploy", "run migrate". */
export function runName({ direction, plan }: Run): string {
  const exercise = plan?.exercise ?? "";
  return direction !== "run" || exercise === "run" || exercise === "" ? direction : `run ${exercise}`;
}

/** What `lab record` prints. */
export function recordLines(run: Run, style: Style, columns: number): string[] {
  const took = run.endedMs > 0n ? ` in ${duration(Number(run.endedMs - run.startedMs))}` : "";
  const lines = [
    `${style.bold(run.deployment)} · ${runName(run)} · run ${run.id}`,
    `${run.state}${took} · started ${recordTime(Number(run.startedMs))} by ${run.startedBy} · nonce ${run.nonce}`,
    ...(run.plan === undefined ? [] : [run.plan.title]),
    "",
    ...table(run.steps.map((step) => stepCells(step, run.rescues))),
  ];
  if (run.failure !== undefined) lines.push("", ...failureLines(run.failure, style));
  if (run.evidence.length > 0) lines.push("", "Evidence:", ...evidenceLines(run.evidence, columns));
  return lines;
}
