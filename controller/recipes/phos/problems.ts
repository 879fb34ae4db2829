/** Everything that is wrong with a deployment before anything is touched, all at once. */
import type { PlanInput, PlannedNode, PlanProblem } from "../../deploy/recipe.js";
import { configProblems } from "./build-config.js";
import type { Design } from "./design.js";
import type { PhosParameters } from "./parameters.js";

/** What every plan of this deployment is derived from, or why there can be none. */
export function planDesign(input: PlanInput<PhosParameters>): Design | { readonly problems: readonly PlanProblem[] } {
  const { parameters, deployment } = input;
  const [node] = input.roles["gpu"] ?? [];
  const problems = [
    ...(node === undefined ? [{ at: "roles.gpu", problem: "needs one node" }] : nodeProblems(node)),
    ...parameterProblems(parameters),
  ];
  if (problems.length > 0 || node === undefined) return { problems };
  return { deployment, node, parameters, container: `phos_${parameters.container ?? deployment}` };
}

function nodeProblems({ name, arch, reach }: PlannedNode): PlanProblem[] {
  const at = "roles.gpu";
  return [
    ...(arch === "x86_64" ? [] : [{ at, problem: `${name} is ${arch}; PhOS is built for x86_64` }]),
    ...(reach === "none" ? [{ at, problem: `${name} has no agent and no ssh: nothing can be done on it` }] : []),
  ];
}

/** Recursively deleted or mounted over: never a directory that is anybody else's. */
const shared = ["/", "/root", "/home", "/tmp", "/var", "/var/tmp", "/var/lib", "/opt", "/usr", "/etc", "/data", "/checkpoints"];

function parameterProblems({ buildConfig, source, checkpoints, dumpDirectory, data, sample }: PhosParameters): PlanProblem[] {
  const problems = configProblems(buildConfig).map(({ key, problem }) => ({ at: `with.buildConfig.${key}`, problem }));
  for (const [key, path] of Object.entries({ source, checkpoints, dumpDirectory })) {
    if (shared.includes(path.replace(/(?<=.)\/+$/, "")) || path.split("/").includes(".."))
      problems.push({ at: `with.${key}`, problem: `${path} is not PhOS's alone; name a directory of its own` });
  }
  if (isBelow(checkpoints, source)) problems.push({ at: "with.checkpoints", problem: "is inside the clone, which undeploy cleans" });
  if (["/root", "/checkpoints", "/data"].some((mounted) => isBelow(dumpDirectory, mounted)))
    problems.push({ at: "with.dumpDirectory", problem: "is on a directory of the node; every dump mounts a tmpfs there" });
  if (sample === "diffusion" && data === undefined)
    problems.push({ at: "with.data", problem: "the diffusion sample reads its model from /data: name the node's directory that has it" });
  return problems;
}

function isBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}
