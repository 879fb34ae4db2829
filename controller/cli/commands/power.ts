/** lab power: chassis power of many nodes at once, one folded line per outcome. */
import { randomUUID } from "node:crypto";
import { foldNames } from "../../../inventory/nodeset.js";
import { describeError, InvalidArgumentError, LabError } from "../../../proto/base/errors.js";
import type { PowerResult } from "../../../proto/gen/lab/v1/power.js";
import { confirm } from "../confirm.js";
import type { Connection } from "../connection.js";
import { type Context, show, withLab } from "../context.js";
import { failureOfMany, onNode } from "../failures.js";
import { table } from "../terminal.js";
import { duration } from "../units.js";

/** Asked once (or --yes) beyond this many nodes. */
const askBeyond = 8;

export interface Answer {
  readonly node: string;
  /** For people. */
  readonly words: string;
  /** For --json. */
  readonly facts: object;
  readonly thrown?: unknown;
}

export async function powerStatus(context: Context, nodeset: string): Promise<void> {
  await withLab(context, async (lab) => {
    const names = await nodeNames(lab, nodeset, context.signal);
    const answers = await askAll(names, async (node) => {
      const status = await lab.power.getPower({ node }, { signal: context.signal });
      return { node, words: status.fault ? `${status.state}, power fault` : status.state, facts: { node, ...status } };
    });
    tell(context, answers, (failed) => `${foldNames(failed)} did not answer`);
  });
}

export async function setPower(
  context: Context,
  verb: string,
  nodeset: string,
  options: { yes: boolean; timeoutMs: number },
): Promise<void> {
  await withLab(context, async (lab) => {
    const names = await nodeNames(lab, nodeset, context.signal);
    if (names.length > askBeyond && !options.yes)
      await confirm(context, `power ${verb} acts on ${names.length} nodes: ${foldNames(names)}`);
    const answers = await askAll(names, async (node) => {
      const request = { node, verb, fence: undefined, key: `cli-${randomUUID()}`, deadlineMs: options.timeoutMs, queueMs: 0 };
      const result = await lab.power.setPower(request, { signal: context.signal, deadlineMs: options.timeoutMs + 30_000 });
      return { node, words: powerWords(verb, result), facts: { node, verb, ...result } };
    });
    tell(context, answers, (failed) => `power ${verb} failed on ${foldNames(failed)}`);
  });
}

/** One answer a node, in order; a failure is an answer too. */
export function askAll(names: readonly string[], ask: (node: string) => Promise<Answer>): Promise<Answer[]> {
  return Promise.all(
    names.map(async (node) => {
      try {
        return await ask(node);
      } catch (thrown) {
        const error = describeError(thrown);
        const code = thrown instanceof LabError ? thrown.code : "internal";
        return { node, words: `FAILED  ${error}`, facts: { node, error, code }, thrown: onNode(node, thrown) };
      }
    }),
  );
}

/** Prints identical answers on one line; throws when some are failures. */
export function tell(context: Context, answers: readonly Answer[], summary: (failed: readonly string[]) => string): void {
  const failed = answers.filter((each) => "thrown" in each);
  const alone = answers.length === 1 && failed.length === 1;
  if (context.json) for (const answer of answers) show(context, answer.facts, () => []);
  else if (!alone) for (const line of table(foldAnswers(answers.map((each) => [each.node, each.words])))) context.terminal.print(line);
  if (failed.length === 0) return;
  const thrown = failed.map((each) => each.thrown);
  throw failureOfMany(summary(failed.map((each) => each.node)), answers.length, thrown);
}

function powerWords(verb: string, result: PowerResult): string {
  if (!result.acted) return `${result.after} already`;
  const change = verb === "reset" || verb === "soft" ? `${result.before}, ${verb} → ${result.after}` : `${result.before} → ${result.after}`;
  const path = verb === "cycle" && result.before === "on" ? "on → off → on" : change;
  return `${path}  verified by chassis status in ${duration(result.elapsedMs)}`;
}

/** Names of a nodeset in inventory order, resolved by the controller. */
export async function nodeNames(lab: Connection, nodeset: string, signal: AbortSignal): Promise<readonly string[]> {
  const { nodes } = await lab.nodes.listNodes({ nodeset, probePower: false }, { signal });
  if (nodes.length === 0) throw new InvalidArgumentError(`the nodeset "${nodeset}" stands for no node`);
  return nodes.map((node) => node.name);
}

/** Identical answers on one line: [["p0","on"],["p1","on"]] → [["p[0-1]","on"]]. Order of first appearance. */
function foldAnswers(answers: readonly (readonly [string, string])[]): string[][] {
  const groups = new Map<string, string[]>();
  for (const [node, answer] of answers) groups.set(answer, [...(groups.get(answer) ?? []), node]);
  return [...groups].map(([answer, nodes]) => [foldNames(nodes), answer]);
}
