/** Whether what a step is to bring about stands already: looked at once, when it begins, before anything is done. */
import { withDeadline } from "../../proto/base/abort.js";
import { sleep } from "../../proto/base/clock.js";
import { CancelledError, DeadlineError, InternalError, LabError } from "../../proto/base/errors.js";
import type { RunFact } from "./entries.js";
import type { Json, Look } from "./recipe.js";
import { lookAt, type Seen } from "./requirements.js";
import { knownTo, type StepContext } from "./step-context.js";

/** Between looks at a node that cannot be reached. */
const retryMs = 1000;

/**
 * True when all of it stands: its evidence is journalled then, and with it that the step has succeeded. That it does not is journalled
 * too, before anything is done: half of what the step does must not look like all of it to the next controller process.
 */
export async function standsAlready(context: StepContext): Promise<boolean> {
  const { step, journal } = context;
  const { standing: looks = [] } = step;
  if (looks.length === 0 || journal.state.steps[step.id]?.standing === false) return false;
  const facts: RunFact[] = [];
  const outputs: Record<string, Json> = {};
  for (const [index, requirement] of looks.entries()) {
    const { verdict, source } = await lookOnce(requirement, index, outputs, context);
    const { claim } = requirement;
    if (!verdict.ok) {
      await journal.append({ type: "not-standing", data: { step: step.id, reason: `${claim}: ${verdict.reason}` } });
      return false;
    }
    Object.assign(outputs, verdict.outputs);
    const evidence = { step: step.id, node: step.node, claim, source: source ?? { kind: "reading" as const, text: claim } };
    facts.push({ type: "evidence", data: { evidence, ...(verdict.outputs === undefined ? {} : { outputs: verdict.outputs }) } });
  }
  await journal.append(...facts, { type: "step-succeeded", data: { step: step.id, standing: true } });
  return true;
}

/** One look; more only while the node cannot be reached. What cannot be seen in its time does not stand. */
async function lookOnce(requirement: Look, index: number, outputs: Readonly<Record<string, Json>>, context: StepContext): Promise<Seen> {
  const { step, journal, clock, progress, signal } = context;
  const { claim, withinMs } = requirement;
  const known = knownTo(step, journal.state);
  const knownNow = { ...known, outputs: { ...known.outputs, [step.id]: { ...known.outputs[step.id], ...outputs } } };
  let last: Seen | undefined;
  progress.doing(`does it stand already: ${claim}`, withinMs);
  const looks = async (deadline: AbortSignal): Promise<Seen> => {
    for (let attempt = 1; ; attempt += 1) {
      last = await lookAt(requirement, `s${index}-${journal.state.resumes}-${attempt}`, context, deadline, knownNow);
      if (last.unreachable !== true) return last;
      await sleep(clock, retryMs, { signal: deadline });
    }
  };
  try {
    return await withDeadline(clock, { subject: step.node, awaited: claim, deadlineMs: withinMs }, looks, { signal });
  } catch (error) {
    if (signal.aborted) throw CancelledError.from(signal);
    if (error instanceof DeadlineError) return last ?? notSeen(error.message);
    if (error instanceof LabError && !(error instanceof InternalError)) return notSeen(error.message);
    throw error;
  }
}

function notSeen(reason: string): Seen {
  return { verdict: { ok: false, reason } };
}
