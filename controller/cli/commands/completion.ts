/** lab completion: completions that know the lab's nodes, tags, deployments and runs. */
import type { Command } from "commander";
import { withDeadline } from "../../../proto/base/abort.js";
import { optionName } from "../../../proto/base/option-name.js";
import { completions, completionScript, exercised, type LabNames, noNames, type Shell } from "../completion.js";
import type { Connection } from "../connection.js";
import { type Context, withLab } from "../context.js";

/** A person waits at a prompt: whoever does not answer by then is not asked further. */
const patienceMs = 1500;

export function printCompletionScript(context: Context, shell: Shell): void {
  context.terminal.print(completionScript(shell));
}

/** Called by the script with the words typed so far. Never fails: a completion that complains is worse than none. */
export async function complete(context: Context, program: Command, words: readonly string[]): Promise<void> {
  const names = await labNames(context, exercised(program, words)).catch(() => noNames);
  for (const each of completions(program, words, names)) context.terminal.print(each);
}

function labNames(context: Context, exercisedDeployment: string | undefined): Promise<LabNames> {
  const wait = { subject: "the lab", awaited: "its names", deadlineMs: patienceMs };
  return withDeadline(context.clock, wait, (signal) =>
    withLab(context, async (lab) => {
      const [{ nodes }, { deployments }, { runs }, exercises] = await Promise.all([
        lab.nodes.listNodes({ nodeset: "", probePower: false }, { signal }),
        lab.deployments.listDeployments({}, { signal }),
        lab.deployments.listRuns({ deployment: "", limit: 20 }, { signal }),
        exercisesOf(lab, exercisedDeployment, signal),
      ]);
      return {
        nodes: nodes.map((node) => node.name),
        tags: [...new Set(nodes.flatMap((node) => node.tags))],
        deployments: deployments.map((each) => each.name),
        runs: runs.map((run) => run.id),
        exercises,
      };
    }),
  );
}

async function exercisesOf(lab: Connection, deployment: string | undefined, signal: AbortSignal): Promise<LabNames["exercises"]> {
  if (deployment === undefined) return [];
  // A name that is not finished, or of nothing: then no exercise can stand there either.
  const { exercises } = await lab.deployments.listExercises({ deployment }, { signal }).catch(() => ({ exercises: [] }));
  return exercises.map(({ name, options }) => ({ name, options: options.map((each) => `--${optionName(each.name)}`) }));
}
