/** Deployments put together: recipes, journal and runner behind the API's service. */
import { createDeploymentService } from "./api/deployment-service.js";
import type { ControllerContext, DeploymentRoom } from "./controller.js";
import { commandWords } from "./deploy/command-words.js";
import { RunRegistry } from "./deploy/runs.js";
import type { Journal } from "./ports.js";
import { recipes as allRecipes } from "./recipes/index.js";

/**
 * Reads what the journal has; runs a former controller left unfinished are taken up by `recover`. `agentReturnMs`: from now on, how
 * long agents that live may take to find this controller.
 */
export async function openDeployments(
  journal: Journal,
  { lab, nodes, leases, events, clock, logger }: ControllerContext,
  { agentReturnMs }: { readonly agentReturnMs: number },
): Promise<DeploymentRoom> {
  const recipes = new Map(allRecipes.map((recipe) => [recipe.name, recipe]));
  const runs = new RunRegistry(
    {
      lab: () => lab,
      recipes,
      journal,
      nodes,
      leases,
      clock,
      logger,
      agentsBackAtMs: clock.monotonicMs() + agentReturnMs,
      announce: (what, { id, plan, status }) => {
        const told = what === "started" ? "goes" : status;
        events.publish(`run-${what}`, "", `run ${id}: ${commandWords(plan)} ${told}`);
      },
    },
    await journal.runs(),
  );
  return {
    service: createDeploymentService({ runs, lab: () => lab, recipes }),
    recover: async () => {
      await runs.resumeAll();
    },
    close: () => runs.close(),
  };
}
