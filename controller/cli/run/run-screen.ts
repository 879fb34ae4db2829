/** The live picture of a run: one line a finished phase, a bar a running node, the newest serial lines below. Pure. */
import { fit, pad, type Style } from "../terminal.js";
import { duration, grouped } from "../units.js";
import { type PhaseView, phasesOf, type RescueView, type RunView, spentMs, type StepView } from "./run-view.js";

const spinner = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const barCells = 20;

/** The lines of the picture at `nowMs` (the controller's time), none wider than `columns`. */
export function runScreen(view: RunView, options: { nowMs: number; columns: number; style: Style; frame: number }): string[] {
  const { columns, style } = options;
  const phases = phasesOf(view);
  const nameWidth = Math.max(8, ...phases.map((phase) => phase.name.length));
  const lines: string[] = [];
  for (const phase of phases) {
    if (phase.status === "succeeded") lines.push(` ${style.green("✓")} ${pad(phase.name, nameWidth)}  ${finishedPhase(phase)}`);
    else if (phase.status === "failed") lines.push(` ${style.red("✗")} ${pad(phase.name, nameWidth)}  ${phase.nodes.join(" ")}`);
    else if (phase.status === "running") lines.push(...runningPhase(phase, nameWidth, options));
  }
  const rescues = view.rescues.map((rescue) => rescueLine(rescue, nameWidth, options));
  return [...lines, ...rescues, ...serialLines(view, style)].map((line) => fit(line, columns));
}

function rescueLine(rescue: RescueView, nameWidth: number, { style, frame }: { style: Style; frame: number }): string {
  const head = (mark: string) => ` ${mark} ${pad("rescue", nameWidth)}  `;
  if (rescue.state === "done") return head(style.green("✓")) + rescue.summary;
  if (rescue.state === "failed") return head(style.red("✗")) + rescue.summary;
  const doing = rescue.doing === "" ? "" : `: ${rescue.doing}`;
  return `${head(style.yellow(spinner[frame % spinner.length] ?? "·"))}${rescue.node} ${rescue.title}${doing}`;
}

function finishedPhase(phase: PhaseView): string {
  return phase.nodes.map((node) => `${node} ${stoodAlready(phase, node) ? "stands already" : duration(spentMs(phase, node))}`).join("   ");
}

function stoodAlready(phase: PhaseView, node: string): boolean {
  return phase.steps.every((each) => each.standing || !each.step.nodes.includes(node));
}

function runningPhase(phase: PhaseView, nameWidth: number, options: { nowMs: number; style: Style; frame: number }): string[] {
  const { style, nowMs, frame } = options;
  const mark = style.cyan(spinner[frame % spinner.length] ?? "·");
  const nodeWidth = Math.max(...phase.nodes.map((node) => node.length));
  return phase.nodes.map((node, index) => {
    const head = index === 0 ? ` ${mark} ${pad(phase.name, nameWidth)}  ` : `   ${" ".repeat(nameWidth)}  `;
    const steps = phase.steps.filter((each) => each.step.nodes.includes(node));
    const running = steps.find((each) => each.status === "running");
    const state = running === undefined ? idleNode(phase, node, steps) : runningNode(running, nowMs);
    return `${head}${pad(node, nodeWidth)} ${state}`;
  });
}

function idleNode(phase: PhaseView, node: string, steps: readonly StepView[]): string {
  return steps.every((each) => each.status === "succeeded") ? `✓ ${duration(spentMs(phase, node))}` : "waits";
}

function runningNode(running: StepView, nowMs: number): string {
  const { progress } = running;
  const elapsedMs =
    progress === undefined ? Math.max(0, nowMs - running.beganMs) : Number(progress.elapsedMs) + Math.max(0, nowMs - progress.toldMs);
  const deadlineMs = Number(progress?.deadlineMs ?? running.step.deadlineMs) || 1;
  const full = Math.min(barCells, Math.round((barCells * elapsedMs) / deadlineMs));
  const bar = `▕${"█".repeat(full)}${"░".repeat(barCells - full)}▏`;
  return `${bar} ${progress?.doing ?? running.step.title}  ${duration(elapsedMs)} of ${duration(deadlineMs)}`;
}

function serialLines(view: RunView, style: Style): string[] {
  const newest = new Map<string, string>();
  for (const { progress, status } of view.steps) {
    if (status === "running" && progress !== undefined && progress.lastLine !== "") newest.set(progress.node, progress.lastLine);
  }
  return [...newest].map(([node, line]) => `   ${style.dim(`${node} ▏${line}`)}`);
}

/** The headline when a run has succeeded. */
export function provenLine(view: RunView, direction: string, style: Style): string {
  const took = duration(view.lastMs - view.startedMs);
  const word = direction === "undeploy" ? "taken back" : "proven";
  return `${style.green(style.bold(word))} in ${took}, by ${grouped(view.evidence.length)} pieces of evidence`;
}
