/** lab power: chassis power of many nodes at once, one folded line per outcome. */
import { randomUUID } from "node:crypto";
import { foldNames } from "../../../inventory/nodeset.js";
import { anySignal } from "../../../proto/base/abort.js";
import { CancelledError, InvalidArgumentError } from "../../../proto/base/errors.js";
import type { NodeView } from "../../../proto/gen/lab/v1/node.js";
import { confirm } from "../confirm.js";
import type { Connection } from "../connection.js";
import { type Context, show, withLab } from "../context.js";
import { failureOfMany } from "../failures.js";
import { actAnswer, failedAnswer, foldAnswers, statusAnswer, type Answer } from "../power/answers.js";
import { tellRequests } from "../power/by-hand.js";
import { ProgressLine } from "../power/progress.js";
import { table } from "../terminal.js";

/** Asked once (or --yes) beyond this many nodes. */
const askBeyond = 8;
/** Longer than the controller itself waits for its agent, however often act and turn are waited for: who is there says so before. */
function longestMs({ timeoutMs, queueMs }: PowerOptions): number {
  return 3 * (timeoutMs + queueMs) + 180_000;
}

export interface PowerOptions {
  readonly yes: boolean;
  /** How long the state may take. */
  readonly timeoutMs: number;
  /** How long an act may wait for its turn. */
  readonly queueMs: number;
}

export async function powerStatus(context: Context, nodeset: string): Promise<void> {
  await withLab(context, async (lab) => {
    const nodes = await nodesOf(lab, nodeset, context.signal);
    const progress = new ProgressLine(context, "status of", names(nodes));
    const answers = await askAll(context, names(nodes), progress, async (node) =>
      statusAnswer(node, await lab.power.getPower({ node }, { signal: context.signal })),
    );
    tell(context, answers, (failed) => `the power of ${foldNames(failed)} could not be read`);
  });
}

export async function setPower(context: Context, verb: string, nodeset: string, options: PowerOptions): Promise<void> {
  await withLab(context, async (lab) => {
    const nodes = await nodesOf(lab, nodeset, context.signal);
    if (nodes.length > askBeyond && !options.yes)
      await confirm(context, `power ${verb} acts on ${nodes.length} nodes: ${foldNames(names(nodes))}`);
    const { timeoutMs, queueMs } = options;
    const progress = new ProgressLine(context, verb, names(nodes));
    const requests = new AbortController();
    const byHand = names(nodes.filter(({ powerKind }) => powerKind === "manual"));
    const { signal, release } = anySignal(context.signal, requests.signal);
    const telling = byHand.length === 0 ? undefined : tellRequests(context, lab, byHand, { tell: (line) => progress.note(line), signal });
    const answers = await askAll(context, names(nodes), progress, async (node) => {
      const request = { node, verb, fence: undefined, key: `cli-${randomUUID()}`, deadlineMs: timeoutMs, queueMs };
      return actAnswer(node, verb, await lab.power.setPower(request, { signal: context.signal, deadlineMs: longestMs(options) }));
    });
    requests.abort();
    await telling;
    release();
    tell(context, answers, (failed) => `power ${verb} failed on ${foldNames(failed)}`);
  });
}

/** An operator's word for what was done by hand. */
export async function confirmPower(context: Context, node: string, state: string): Promise<void> {
  const status = await withLab(context, (lab) => lab.power.confirmPower({ node, state }, { signal: context.signal }));
  const { words, facts } = statusAnswer(node, status);
  show(context, facts, () => [`${node}  ${words}, by your word`]);
}

/** One answer a node, in the order of the names; a failure is an answer too. With --json each is told as it comes. */
export async function askAll(
  context: Context,
  nodes: readonly string[],
  progress: ProgressLine | undefined,
  ask: (node: string) => Promise<Answer>,
): Promise<Answer[]> {
  const asked = nodes.map(async (node) => {
    const answer = await ask(node).catch((thrown: unknown) => failedAnswer(node, thrown));
    progress?.tell(node, "thrown" in answer ? "failed" : "done");
    if (context.json) show(context, answer.facts, () => []);
    return answer;
  });
  try {
    return await Promise.all(asked);
  } finally {
    progress?.close();
  }
}

/** Prints identical answers on one line; throws when some are failures. */
export function tell(context: Context, answers: readonly Answer[], summary: (failed: readonly string[]) => string): void {
  const failed = answers.filter((each) => "thrown" in each);
  const alone = answers.length === 1 && failed.length === 1;
  if (!context.json && !alone) for (const line of table(foldAnswers(answers))) context.terminal.print(line);
  if (failed.length === 0) return;
  const what = summary(failed.map((each) => each.node));
  if (context.signal.aborted) throw new CancelledError(`${what}: cancelled; an act that had begun is brought to its end`);
  throw failureOfMany(
    what,
    answers.length,
    failed.map((each) => each.thrown),
  );
}

function names(nodes: readonly NodeView[]): readonly string[] {
  return nodes.map(({ name }) => name);
}

/** Names of a nodeset in inventory order, resolved by the controller. */
export async function nodeNames(lab: Connection, nodeset: string, signal: AbortSignal): Promise<readonly string[]> {
  return names(await nodesOf(lab, nodeset, signal));
}

async function nodesOf(lab: Connection, nodeset: string, signal: AbortSignal): Promise<readonly NodeView[]> {
  const { nodes } = await lab.nodes.listNodes({ nodeset, probePower: false }, { signal });
  if (nodes.length === 0) throw new InvalidArgumentError(`the nodeset "${nodeset}" stands for no node`);
  return nodes;
}
