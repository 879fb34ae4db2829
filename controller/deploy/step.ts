/**
 * One step from its mark to its last evidence. Every fact is journalled before anything rests on it, and the step goes on from what
 * the journal says: begun or not, which acts are done, which requirements are met.
 */
import { CancelledError, InternalError } from "../../proto/base/errors.js";
import { performAct } from "./acts.js";
import { collectConsole } from "./console-evidence.js";
import { whileUnreachable } from "./reach.js";
import type { RunFact } from "./entries.js";
import type { Act } from "./recipe.js";
import { pollRequirement } from "./requirements.js";
import type { StepRecord } from "./run-state.js";
import { knownTo, type StepContext } from "./step-context.js";

const readingMs = 60_000;

/** Runs the step to "step-succeeded". `onBegun` is called when it has begun, also when an earlier controller process began it. */
export async function runStep(context: StepContext, onBegun: () => void): Promise<void> {
  const { step, journal } = context;
  if (recordOf(context).status === "waiting") await begin(context);
  onBegun();
  const acts = step.acts?.(knownTo(step, journal.state)) ?? [];
  for (let n = recordOf(context).actsDone; n < acts.length; n += 1) {
    const act = acts[n];
    if (act !== undefined) await doAct(act, n, context);
  }
  for (const [index, requirement] of step.evidence.entries()) {
    if (requirement.kind === "console") await collectConsole(requirement, index, context);
    else if (recordOf(context).met[index] === undefined) await pollRequirement(requirement, index, context);
  }
  await journal.append({ type: "step-succeeded", data: { step: step.id } });
}

/** Marks the console where that means something: nothing the step causes stands before the mark. */
async function begin(context: StepContext): Promise<void> {
  const { step, node, journal } = context;
  const agentConnected = await agentIsThere(context);
  const isActing = (step.acts?.(knownTo(step, journal.state, agentConnected)) ?? []).length > 0;
  const isLooking = step.evidence.some((each) => each.kind === "console");
  const isMarked = node.console !== undefined && (isActing || isLooking || step.watch === "from-here");
  await journal.append({
    type: "step-began",
    data: {
      step: step.id,
      node: step.node,
      agentConnected,
      // A step that only looks goes on where the one before it stopped, so that no line between the two is lost.
      movesCursor: isActing || journal.state.consoles[step.node] === undefined,
      ...(isMarked ? { mark: await consoleEnd(context) } : {}),
      ...(step.watch === undefined ? {} : { watch: step.watch }),
    },
  });
}

/** An agent that is away is away, unless this controller has just been started: then it gets a moment to come back. */
async function agentIsThere({ step, node, clock, signal, agentsBackAtMs }: StepContext): Promise<boolean> {
  const deadlineMs = agentsBackAtMs - clock.monotonicMs();
  if (node.agentConnected || step.acts === undefined || deadlineMs <= 0) return node.agentConnected;
  const wait = { subject: node.name, awaited: "its agent", deadlineMs };
  await whileUnreachable({ clock, signal }, wait, (deadline) => node.facts({ signal: deadline })).catch(() => undefined);
  if (signal.aborted) throw CancelledError.from(signal);
  return node.agentConnected;
}

async function consoleEnd(context: StepContext): Promise<string> {
  const { node, step } = context;
  const wait = { subject: `${step.node} console`, awaited: "tell its end", deadlineMs: readingMs };
  const extent = await whileUnreachable(context, wait, async (signal) => node.console?.extent({ signal }));
  return (extent?.endOffset ?? 0n).toString();
}

async function doAct(act: Act, n: number, context: StepContext): Promise<void> {
  const { step, journal } = context;
  const begun = recordOf(context).actBegun;
  const bootId = begun === undefined && act.kind === "reboot" ? await currentBoot(context) : begun?.bootId;
  if (begun === undefined) {
    const data = { step: step.id, act: n, kind: act.kind, ...(bootId === undefined ? {} : { bootId }) };
    await journal.append({ type: "act-began", data });
  }
  const { outputs, evidence } = await performAct(act, n, bootId, context);
  const facts: RunFact[] = [{ type: "act-done", data: { step: step.id, act: n, ...(outputs === undefined ? {} : { outputs }) } }];
  if (evidence !== undefined) facts.unshift({ type: "evidence", data: { evidence: { step: step.id, node: step.node, ...evidence } } });
  await journal.append(...facts);
}

async function currentBoot(context: StepContext): Promise<string> {
  const wait = { subject: context.step.node, awaited: "read the boot that ends", deadlineMs: readingMs };
  return (await whileUnreachable(context, wait, (signal) => context.node.facts({ signal }))).bootId;
}

function recordOf({ step, journal }: StepContext): StepRecord {
  const record = journal.state.steps[step.id];
  if (record === undefined) throw new InternalError(`run ${journal.state.id}: step ${step.id} is not in its journal`);
  return record;
}
