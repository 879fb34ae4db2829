/**
 * One step from its mark to its last evidence. Every fact is journalled before anything rests on it, and the step goes on from what
 * the journal says: begun or not, standing already or not, which acts are done, which requirements are met.
 */
import { CancelledError } from "../../proto/base/errors.js";
import { whileUnreachable } from "./reach.js";
import { standsAlready } from "./standing.js";
import { knownTo, type StepContext } from "./step-context.js";
import { recordOf, workOff } from "./step-work.js";

const readingMs = 60_000;

/** Runs the step to "step-succeeded". `onBegun` is called when it has begun, also when an earlier controller process began it. */
export async function runStep(context: StepContext, onBegun: () => void): Promise<void> {
  const { step, journal } = context;
  if (recordOf(context).status === "waiting") await begin(context);
  onBegun();
  if (await standsAlready(context)) return;
  await workOff(context);
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
export async function agentIsThere({ step, node, clock, signal, agentsBackAtMs }: StepContext): Promise<boolean> {
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
