/** lab completion: completions that know the lab's nodes, tags, deployments and runs. */
import type { Command } from "commander";
import { withDeadline } from "../../../proto/base/abort.js";
import { completions, completionScript, type LabNames, noNames, type Shell } from "../completion.js";
import { type Context, withLab } from "../context.js";

/** A person waits at a prompt: whoever does not answer by then is not asked further. */
const patienceMs = 1500;

export function printCompletionScript(context: Context, shell: Shell): void {
  context.terminal.print(completionScript(shell));
}

/** Called by the script with the words typed so far. Never fails: a completion that complains is worse than none. */
export async function complete(context: Context, program: Command, words: readonly string[]): Promise<void> {
  const names = await labNames(context).catch(() => noNames);
  for (const each of completions(program, words, names)) context.terminal.print(each);
}

function labNames(context: Context): Promise<LabNames> {
  const wait = { subject: "the lab", awaited: "its names", deadlineMs: patienceMs };
  return withDeadline(context.clock, wait, (signal) =>
    withLab(context, async (lab) => {
      const [{ nodes }, { deployments }, { runs }] = await Promise.all([
        lab.nodes.listNodes({ nodeset: "", probePower: false }, { signal }),
        lab.deployments.listDeployments({}, { signal }),
        lab.deployments.listRuns({ deployment: "", limit: 20 }, { signal }),
      ]);
      return {
        nodes: nodes.map((node) => node.name),
        tags: [...new Set(nodes.flatMap((node) => node.tags))],
        deployments: deployments.map((each) => each.name),
        runs: runs.map((run) => run.id),
      };
    }),
  );
}
