/** Acts and evidence of a step, or of a rescue: each goes on from what the journal says is done. */
import { InternalError } from "../../proto/base/errors.js";
import { performAct } from "./acts.js";
import { collectConsole } from "./console-evidence.js";
import type { RunFact } from "./entries.js";
import { whileUnreachable } from "./reach.js";
import type { Act } from "./recipe.js";
import { pollRequirement } from "./requirements.js";
import type { StepRecord } from "./run-state.js";
import { knownTo, type StepContext } from "./step-context.js";

const readingMs = 60_000;

/** Does what is left to do, then awaits what is left to see. */
export async function workOff(context: StepContext): Promise<void> {
  const { step, journal } = context;
  const acts = step.acts?.(knownTo(step, journal.state)) ?? [];
  for (let n = recordOf(context).actsDone; n < acts.length; n += 1) {
    const act = acts[n];
    if (act !== undefined) await doAct(act, n, context);
  }
  for (const [index, requirement] of step.evidence.entries()) {
    if (requirement.kind === "console") await collectConsole(requirement, index, context);
    else if (recordOf(context).met[index] === undefined) await pollRequirement(requirement, index, context);
  }
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

export function recordOf({ step, journal }: StepContext): StepRecord {
  const record = journal.state.steps[step.id];
  if (record === undefined) throw new InternalError(`run ${journal.state.id}: step ${step.id} is not in its journal`);
  return record;
}
