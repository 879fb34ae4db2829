/**
 * Doing one act. Whatever is done here may be done again by the next controller with the same key: commands and power acts are
 * remembered by their agent, files and boot entries look the same after a second time, and a reboot is recognised by the boot id.
 */
import { sleep, type Clock } from "../../proto/base/clock.js";
import type { PowerResult } from "../ports.js";
import { actKey } from "./act-key.js";
import { runCommand } from "./command-act.js";
import { whileUnreachable } from "./reach.js";
import { endGraceMs, signalJob, startJob } from "./job-acts.js";
import type { Act, Json } from "./recipe.js";
import { RunAbandonedError } from "./run-journal.js";
import type { StepContext } from "./step-context.js";
import { StepFailedError, type FailureEvidence } from "./step-failure.js";
import { actLimitMs, powerQueueMs, turnLimitMs } from "./step-view.js";

/** What an act may take to stop after it was told to. */
const settleMs = 30_000;

export interface ActResult {
  readonly outputs?: Readonly<Record<string, Json>>;
  /** What the act itself has shown: a power act reads the chassis before and after. */
  readonly evidence?: FailureEvidence;
}

/** The n-th act of the step; `bootId`: the boot a reboot is to end. Throws StepFailedError and what the node's ports throw. */
export async function performAct(act: Act, n: number, bootId: string | undefined, context: StepContext): Promise<ActResult> {
  const { step, clock, signal } = context;
  const doing = describeAct(act);
  const limitMs = actLimitMs(act);
  context.progress.doing(doing, limitMs);
  let work: Promise<ActResult> | undefined;
  try {
    const wait = { subject: step.node, awaited: doing, deadlineMs: limitMs + turnLimitMs(act), patienceMs: limitMs };
    return await whileUnreachable({ clock, signal }, wait, (deadline) => {
      work = perform(act, n, bootId, context, deadline);
      return work;
    });
  } catch (error) {
    // A job told to stop has stopped before anybody else may have the node.
    if (!(signal.reason instanceof RunAbandonedError)) await settled(work, clock);
    throw error;
  }
}

/** Waits for `work` to end in whichever way, but not for ever. */
async function settled(work: Promise<unknown> | undefined, clock: Clock): Promise<void> {
  const patience = new AbortController();
  const ended = work?.then(
    () => undefined,
    () => undefined,
  );
  try {
    await Promise.race([ended, sleep(clock, settleMs, { signal: patience.signal })]);
  } finally {
    patience.abort();
  }
}

/** What the act does, for a screen and for messages. */
export function describeAct(act: Act): string {
  switch (act.kind) {
    case "command":
      return act.argv.join(" ");
    case "start":
      return `start ${act.argv.join(" ")}`;
    case "signal":
      return `send ${act.signal} to job ${act.job}`;
    case "end":
      return `end job ${act.job}`;
    case "pause":
      return act.why;
    case "write-file":
      return `write ${act.path}`;
    case "edit-file":
      return `edit ${act.path}`;
    case "remove-file":
      return `remove ${act.path}`;
    case "put-boot-entry":
      return `put boot entry ${act.entry.id}`;
    case "remove-boot-entry":
      return `remove boot entry ${act.id}`;
    case "boot-once":
      return `choose ${act.id || "the default"} for the next boot`;
    case "power":
      return `power ${act.verb}`;
    case "reboot":
      return "reboot";
  }
}

async function perform(act: Act, n: number, bootId: string | undefined, context: StepContext, signal: AbortSignal): Promise<ActResult> {
  const { node, journal, step } = context;
  const request = { fence: context.fence(), signal };
  switch (act.kind) {
    case "command":
      return { outputs: await runCommand(act, n, context, signal) };
    case "start":
      return { outputs: { [act.name]: await startJob(act, n, context, signal) } };
    case "signal":
      await signalJob(act, n, context, signal);
      return {};
    case "end":
      await node.jobs.end(act.job, { ...request, graceMs: act.graceMs ?? endGraceMs });
      return {};
    case "pause":
      await sleep(context.clock, act.forMs, { signal });
      return {};
    case "write-file": {
      const { mode, inPlace } = act;
      const options = { ...request, ...(mode === undefined ? {} : { mode }), ...(inPlace === undefined ? {} : { inPlace }) };
      await node.files.write(act.path, new TextEncoder().encode(act.contents), options);
      return {};
    }
    case "edit-file":
      return editFile(act, context, signal);
    case "remove-file":
      await node.files.remove(act.path, { ...request, recursive: act.recursive ?? false });
      return {};
    case "put-boot-entry":
      await node.boot.putEntry(act.entry, request);
      return {};
    case "remove-boot-entry":
      await node.boot.removeEntry(act.id, request);
      return {};
    case "boot-once":
      await node.boot.bootOnce(act.id, request);
      return {};
    case "power": {
      const key = actKey(journal.state.id, step.id, n);
      const limits = { deadlineMs: act.deadlineMs, queueMs: powerQueueMs };
      return powerResult(act.verb, await node.power.set(act.verb, { ...request, key, ...limits }));
    }
    case "reboot":
      // The boot to be ended is over: an earlier controller process gave the order and died before it could write so.
      if ((await node.facts({ signal })).bootId === bootId) await node.reboot(request);
      return { outputs: { endedBootId: bootId ?? "" } };
  }
}

async function editFile(act: Extract<Act, { kind: "edit-file" }>, context: StepContext, signal: AbortSignal): Promise<ActResult> {
  const { files } = context.node;
  const before = new TextDecoder().decode(await files.read(act.path, { signal }));
  const edited = act.edit(before);
  if ("problem" in edited) throw new StepFailedError({ summary: `${act.path}: ${edited.problem}`, blame: "system" });
  if (edited.text !== before) await files.write(act.path, new TextEncoder().encode(edited.text), { fence: context.fence(), signal });
  return {};
}

function powerResult(verb: string, result: PowerResult): ActResult {
  const seconds = (result.elapsedMs / 1000).toFixed(1);
  const way = verb === "cycle" && result.before === "on" ? ["on", "off", result.after] : [result.before, result.after];
  const how = result.acted ? way.join(" → ") : `${result.after} already`;
  const witness = result.witnessed ? `verified by chassis status after ${seconds} s` : "read after a restart, not seen happening";
  return { evidence: { claim: `power ${verb}`, source: { kind: "reading", text: `${how}, ${witness}` } } };
}
