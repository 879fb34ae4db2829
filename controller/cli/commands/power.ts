/** lab power: chassis power of many nodes at once, one folded line per outcome. */
import { randomUUID } from "node:crypto";
import { foldNames } from "../../../inventory/nodeset.js";
import { describeError, FailedError, InvalidArgumentError, LabError } from "../../../proto/base/errors.js";
import type { PowerResult } from "../../../proto/gen/lab/v1/power.js";
import { confirm } from "../confirm.js";
import type { Connection } from "../connection.js";
import { type Context, show, withLab } from "../context.js";
import { table } from "../terminal.js";
import { duration } from "../units.js";

/** Asked once (or --yes) beyond this many nodes. */
const askBeyond = 8;

export async function powerStatus(context: Context, nodeset: string): Promise<void> {
  await withLab(context, async (lab) => {
    const names = await nodeNames(lab, nodeset, context.signal);
    const answers = await Promise.all(
      names.map(async (node) => {
        try {
          const status = await lab.power.getPower({ node }, { signal: context.signal });
          return { node, state: status.state, fault: status.fault, lastEvent: status.lastEvent };
        } catch (error) {
          return { node, state: "unknown", error: describeError(error), code: error instanceof LabError ? error.code : "internal" };
        }
      }),
    );
    if (context.json) for (const answer of answers) show(context, answer, () => []);
    else for (const line of table(foldAnswers(answers.map((each) => [each.node, each.error ?? each.state])))) context.terminal.print(line);
    const failed = answers.filter((each) => each.error !== undefined);
    if (failed.length > 0) throw new FailedError(`${failed.length} of ${answers.length} nodes did not answer`);
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
    const answers = await Promise.all(names.map((node) => setOne(context, lab, verb, node, options.timeoutMs)));
    if (context.json) for (const answer of answers) show(context, answer, () => []);
    else for (const line of table(foldAnswers(answers.map((each) => [each.node, each.words])))) context.terminal.print(line);
    const failed = answers.filter((each) => each.error !== undefined);
    if (failed.length === 0) return;
    const [first] = failed;
    if (names.length === 1 && first?.thrown instanceof LabError) throw first.thrown;
    throw new FailedError(
      `power ${verb} failed on ${failed.length} of ${names.length} nodes: ${foldNames(failed.map((each) => each.node))}`,
    );
  });
}

async function setOne(context: Context, lab: Connection, verb: string, node: string, timeoutMs: number) {
  try {
    const request = { node, verb, fence: undefined, key: `cli-${randomUUID()}`, deadlineMs: timeoutMs };
    const result = await lab.power.setPower(request, { signal: context.signal, deadlineMs: timeoutMs + 30_000 });
    return { node, verb, words: powerWords(verb, result), ...result };
  } catch (thrown) {
    return { node, verb, words: `FAILED  ${describeError(thrown)}`, error: describeError(thrown), thrown };
  }
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
export function foldAnswers(answers: readonly (readonly [string, string])[]): string[][] {
  const groups = new Map<string, string[]>();
  for (const [node, answer] of answers) groups.set(answer, [...(groups.get(answer) ?? []), node]);
  return [...groups].map(([answer, nodes]) => [foldNames(nodes), answer]);
}
