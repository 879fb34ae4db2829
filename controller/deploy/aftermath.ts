/** What is told after a failure: how the nodes stand, and what to do next. */
import { withDeadline } from "../../proto/base/abort.js";
import type { Clock } from "../../proto/base/clock.js";
import type { Nodes } from "../ports.js";
import { commandWords } from "./command-words.js";
import type { Failure, PlanView } from "./entries.js";
import type { Json, Step } from "./recipe.js";
import type { StepFailure } from "./step-failure.js";

const lookMs = 3000;

interface FailedRun {
  readonly id: string;
  readonly plan: PlanView;
  readonly request: Readonly<Record<string, Json>>;
}

/** The failure as the record keeps it. Looks at every node of the plan, a few seconds at most. */
export async function failureReport(
  failure: StepFailure,
  step: Pick<Step, "id" | "node">,
  run: FailedRun,
  world: { readonly nodes: Nodes; readonly clock: Clock },
): Promise<Failure> {
  return {
    step: step.id,
    node: step.node,
    summary: failure.summary,
    cause: failure.cause,
    state: await describeNodes(run.plan.nodes, world),
    next: nextCommands(failure, step.node, run),
    evidence: failure.evidence.map((each) => ({ step: step.id, node: step.node, ...each })),
    blame: failure.blame,
  };
}

/** The failure of a run that no step has failed and that cannot go on. `state`: what is known of the nodes without a look. */
export function failureWithoutStep(failure: Pick<StepFailure, "summary" | "cause" | "blame">, state: string, run: FailedRun): Failure {
  return { ...failure, step: "", node: "", state, next: nextCommands({ ...failure, evidence: [] }, "", run), evidence: [] };
}

/** "p0 m0: power on, no agent; s0: power on, Linux 3.11.1": nodes that stand alike are told together. */
async function describeNodes(names: readonly string[], world: { nodes: Nodes; clock: Clock }): Promise<string> {
  const standing = await Promise.all(names.map((name) => describeNode(name, world)));
  const groups = new Map<string, string[]>();
  for (const [index, name] of names.entries()) {
    const text = standing[index] ?? "";
    groups.set(text, [...(groups.get(text) ?? []), name]);
  }
  return [...groups].map(([text, nodes]) => `${nodes.join(" ")}: ${text}`).join("; ");
}

async function describeNode(name: string, { nodes, clock }: { nodes: Nodes; clock: Clock }): Promise<string> {
  const look = <T>(awaited: string, ask: (signal: AbortSignal) => Promise<T>) =>
    withDeadline(clock, { subject: name, awaited, deadlineMs: lookMs }, ask).catch(() => undefined);
  try {
    const node = nodes.node(name);
    const [power, facts] = await Promise.all([
      look("power state", (signal) => node.power.read({ signal })),
      node.agentConnected ? look("facts", (signal) => node.facts({ signal })) : undefined,
    ]);
    const system = facts === undefined ? (node.agentConnected ? "gives no facts" : "no agent") : `${facts.kernel} ${facts.kernelRelease}`;
    return `power ${power?.state ?? "unknown"}, ${system}`;
  } catch {
    return "unknown";
  }
}

function nextCommands(failure: StepFailure, node: string, run: FailedRun): string[] {
  const { deployment, direction } = run.plan;
  const sawConsole = failure.evidence.some((each) => each.source.kind === "console");
  return [
    ...(sawConsole ? [`lab tail ${node} --boot -1`] : []),
    ...(failure.blame === "lab" ? ["lab nodes"] : []),
    ...(direction === "deploy" ? [`lab undeploy ${deployment}`] : []),
    `lab ${commandWords(run.plan, run.request)}`,
    ...(direction === "run" ? [`lab undeploy ${deployment}`] : []),
    `lab record ${run.id}`,
  ];
}
