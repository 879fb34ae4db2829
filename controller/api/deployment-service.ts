/** DeploymentService: plans and runs, for the CLI, the page and CI. */
import type { DeploymentSpec, Lab } from "../../inventory/model.js";
import { InvalidArgumentError } from "../../proto/base/errors.js";
import type {
  DeploymentServiceService,
  DeploymentView,
  Exercise as WireExercise,
  GetPlanRequest,
  StartRunRequest,
} from "../../proto/gen/lab/v1/deployment.js";
import type { Implementation } from "../../proto/rpc/service.js";
import { exerciseOptions } from "../deploy/exercise-options.js";
import { findDeployment, type Recipes } from "../deploy/plan.js";
import type { Direction, Exercise, Json } from "../deploy/recipe.js";
import type { RunRegistry, RunRequest } from "../deploy/runs.js";
import { reportFiles } from "../reports/report-files.js";
import { callerName } from "./authorization.js";
import { eventMessages, planMessage, runMessage } from "./run-messages.js";

const defaultLimit = 50;

/** The service over the controller's runs. `lab`: the inventory in force now. */
export function createDeploymentService({
  runs,
  lab,
  recipes,
}: {
  runs: RunRegistry;
  lab: () => Lab;
  recipes: Recipes;
}): Implementation<typeof DeploymentServiceService> {
  const view = async (deployment: DeploymentSpec): Promise<DeploymentView> => {
    const { name, recipe, roles } = deployment;
    const order = Object.keys(recipes.get(recipe)?.roles ?? roles).filter((role) => role in roles);
    const [last] = await runs.list({ deployment: name, limit: 1 });
    return {
      name,
      recipe,
      roles: order.map((role) => ({ role, nodes: [...(roles[role] ?? [])] })),
      lastRun: last === undefined ? undefined : runMessage(last),
    };
  };
  return {
    async listDeployments() {
      return { deployments: await Promise.all(lab().deployments.map(view)) };
    },
    async listExercises({ deployment }) {
      const { name, recipe } = findDeployment(runs.deploymentOf(deployment), lab());
      return { deployment: name, exercises: Object.entries(recipes.get(recipe)?.exercises ?? {}).map(exerciseMessage) };
    },
    async getPlan(request) {
      return planMessage((await runs.plan(runRequest(request))).view);
    },
    async startRun(request, { peer }) {
      return runMessage(await runs.start(runRequest(request), callerName(peer)));
    },
    async cancelRun({ id }, { peer, signal }) {
      return runMessage(await runs.cancel(id, callerName(peer), { signal }));
    },
    async *watchRun({ id, fromSequence }, { signal }) {
      for await (const event of runs.watch(id, Number(fromSequence), { signal })) yield* eventMessages(event);
    },
    async getRun({ id }) {
      return runMessage(await runs.get(id));
    },
    async getReports({ id }) {
      const run = await runs.get(id);
      const name = run.recipe ?? findDeployment(run.plan.deployment, lab()).recipe;
      return { run: run.id, files: reportFiles(recipes.get(name)?.reports?.(run.outputs) ?? []) };
    },
    async listRuns({ deployment, limit }) {
      const filter = { deployment: deployment === "" ? undefined : deployment, limit: limit === 0 ? defaultLimit : limit };
      return { runs: (await runs.list(filter)).map(runMessage) };
    },
  };
}

function exerciseMessage([name, exercise]: [string, Exercise]): WireExercise {
  const options = exerciseOptions(exercise).map((option) => ({
    ...option,
    default: option.default === undefined ? "" : JSON.stringify(option.default),
  }));
  return { name, summary: exercise.summary, options };
}

function runRequest({ deployment, direction, parameters, exercise, request }: GetPlanRequest | StartRunRequest): RunRequest {
  const asked = { deployment, direction: parseDirection(direction), ...parseValues({ parameter: parameters, option: request }) };
  if (asked.direction === "run") return { ...asked, exercise };
  if (exercise === "" && Object.keys(request).length === 0) return asked;
  throw new InvalidArgumentError(`direction "${direction}": an exercise and its options go with direction "run" only`);
}

function parseDirection(direction: string): Direction {
  if (direction === "deploy" || direction === "undeploy" || direction === "run") return direction;
  throw new InvalidArgumentError(`direction "${direction}": must be "deploy", "undeploy" or "run"`);
}

type Texts = Readonly<Record<string, string>>;

/** Both kinds of values from their JSON; what is wrong with any of them is told at once. */
function parseValues(texts: { parameter: Texts; option: Texts }): { parameters: Record<string, Json>; request: Record<string, Json> } {
  const problems: string[] = [];
  const parse = (what: string, given: Texts): Record<string, Json> =>
    Object.fromEntries(
      Object.entries(given).map(([key, text]): [string, Json] => {
        try {
          return [key, JSON.parse(text) as Json];
        } catch {
          problems.push(`${what} ${key}: ${text} is not JSON; text needs quotes`);
          return [key, null];
        }
      }),
    );
  const parsed = { parameters: parse("parameter", texts.parameter), request: parse("option", texts.option) };
  if (problems.length > 0) throw new InvalidArgumentError(problems.join("\n"));
  return parsed;
}
