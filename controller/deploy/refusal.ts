/** Why there is no plan: every problem, one a line, and whether the inventory is to blame or who asked. Pure. */
import { InvalidArgumentError, InvalidInventoryError } from "../../proto/base/errors.js";
import { optionName } from "../../proto/base/option-name.js";
import type { DeploymentSpec, Lab } from "../../inventory/model.js";
import type { PlanProblem } from "./recipe.js";

/** InvalidArgumentError when all of it was asked for in the request, else InvalidInventoryError with the deployment's place in the file. */
export function refusal(
  problems: readonly PlanProblem[],
  deployment: DeploymentSpec,
  request: { readonly parameters: Readonly<Record<string, unknown>> },
  lab: Lab,
): InvalidArgumentError | InvalidInventoryError {
  const { line, column } = deployment.position;
  const inFile = `${lab.file}:${line}:${column} deployments.${deployment.name}`;
  const places = problems.map((each) => askedFor(each, deployment, request.parameters));
  const lines = problems.map((each, index) => `${places[index] ?? `${inFile}.${each.at}`}: ${each.problem}`);
  const message = `${lines.join("\n")}\n${problems.length} problem${problems.length === 1 ? "" : "s"}; nothing was changed`;
  const facts = { deployment: deployment.name };
  return places.includes(undefined) ? new InvalidInventoryError(message, { facts }) : new InvalidArgumentError(message, { facts });
}

/** How the request names what is wrong: "parameter memmap", "option --repeat", or what it is asked of; undefined when the inventory says it. */
function askedFor({ at }: PlanProblem, { name }: DeploymentSpec, parameters: Readonly<Record<string, unknown>>): string | undefined {
  const [section, key, ...inside] = at.split(".");
  if (at === "deployment") return `deployment ${name}`;
  if (section === "request") return key === undefined ? "options" : `option --${[optionName(key), ...inside].join(".")}`;
  if (section === "with" && key !== undefined && Object.hasOwn(parameters, key)) return `parameter ${at.slice("with.".length)}`;
  return undefined;
}
