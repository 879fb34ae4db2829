/** Everything that is wrong with a deployment before anything is touched, all at once. */
import type { PlanInput, PlannedNode, PlanProblem } from "../../deploy/recipe.js";
import { baudRates, type Cluster, formCluster, serialLines } from "./cluster.js";
import { parseMemmap } from "./memmap.js";
import type { LegoParameters } from "./parameters.js";

/** CONFIG_INIT_ENV_ARG_LIMIT of the defconfig: the longest argv_init. */
const maxArguments = 32;

/** The cluster a deployment asks for, or why it cannot be one. */
export function planCluster(input: PlanInput<LegoParameters>): Cluster | { readonly problems: readonly PlanProblem[] } {
  const { processor = [], memory = [], storage = [], monitor = [] } = input.roles;
  const problems: PlanProblem[] = [
    ...sizeProblems({ processor, memory, storage, monitor }),
    ...sharedNodeProblems(input.roles),
    ...[...processor, ...memory].flatMap((node) => managerProblems(node, roleOf(node, input.roles))),
    ...storage.flatMap((node) => nodeProblems(node, "storage")),
    ...parameterProblems(input.parameters, storage.length > 0),
  ];
  const [p] = processor;
  const [m] = memory;
  if (problems.length > 0 || p === undefined || m === undefined) return { problems };
  return formCluster(p, m, storage[0]);
}

function sizeProblems(roles: Readonly<Record<"processor" | "memory" | "storage" | "monitor", readonly PlannedNode[]>>): PlanProblem[] {
  const problems: PlanProblem[] = [];
  for (const role of ["processor", "memory"] as const) {
    const count = roles[role].length;
    if (count === 0) problems.push({ at: `roles.${role}`, problem: `needs one node` });
    if (count > 1)
      problems.push({
        at: `roles.${role}`,
        problem:
          `${count} nodes: more than one ${role} manager needs LegoOS's global monitors on a machine of their own, ` +
          `which this recipe cannot set up yet; it deploys 1P-1M and 1P-1M-1S. Bind one node`,
      });
  }
  if (roles.storage.length > 1) problems.push({ at: "roles.storage", problem: `${roles.storage.length} nodes: at most one storage node` });
  if (roles.monitor.length > 0)
    problems.push({
      at: "roles.monitor",
      problem:
        "monitors serve clusters of more than one processor or memory manager, which this recipe cannot set up yet; leave the role out",
    });
  return problems;
}

function sharedNodeProblems(roles: Readonly<Record<string, readonly PlannedNode[]>>): PlanProblem[] {
  const taken = new Map<string, string>();
  const problems: PlanProblem[] = [];
  for (const [role, nodes] of Object.entries(roles)) {
    for (const { name } of nodes) {
      const first = taken.get(name);
      if (first === undefined) taken.set(name, role);
      else problems.push({ at: `roles.${role}`, problem: `${name} is ${first} already; every LegoOS node is a machine of its own` });
    }
  }
  return problems;
}

function roleOf(node: PlannedNode, roles: Readonly<Record<string, readonly PlannedNode[]>>): string {
  return roles["processor"]?.includes(node) === true ? "processor" : "memory";
}

function nodeProblems(node: PlannedNode, role: string): PlanProblem[] {
  const at = `roles.${role}`;
  const problems: PlanProblem[] = [];
  if (node.arch !== "x86_64") problems.push({ at, problem: `${node.name} is ${node.arch}; LegoOS runs on x86_64 only` });
  if (!/^[A-Za-z0-9_.-]{1,31}$/.test(node.name))
    problems.push({ at, problem: `${node.name} cannot stand in LegoOS's node table: letters, digits, "_", "." and "-", at most 31` });
  return problems;
}

function managerProblems(node: PlannedNode, role: string): PlanProblem[] {
  const at = `roles.${role}`;
  const problems = nodeProblems(node, role);
  if (!node.hasPower)
    problems.push({
      at,
      problem: `${node.name} has no power control; LegoOS can neither shut down nor reboot, only a power cycle ends it`,
    });
  if (node.console === undefined)
    return [...problems, { at, problem: `${node.name} has no console; the serial line is the only thing that shows LegoOS running` }];
  if (!serialLines.includes(node.console.line))
    problems.push({ at, problem: `${node.name}'s console is on ${node.console.line}; LegoOS prints on ${serialLines.join(" or ")} only` });
  if (!baudRates.includes(node.console.baudRate))
    problems.push({
      at,
      problem: `${node.name}'s console runs at ${node.console.baudRate} baud; LegoOS prints at ${baudRates.join(" or ")} only`,
    });
  return problems;
}

function parameterProblems(parameters: LegoParameters, hasStorage: boolean): PlanProblem[] {
  const problems: PlanProblem[] = [];
  const memmap = parseMemmap(parameters.memmap);
  if ("problem" in memmap) problems.push({ at: "with.memmap", problem: memmap.problem });
  const { program, files } = parameters;
  if (program !== undefined) problems.push(...(hasStorage ? storedProgramProblems(program) : linkedProgramProblems(program)));
  if (files !== undefined && !hasStorage)
    problems.push({ at: "with.files", problem: "there is no storage node that could hold them; bind the role storage or leave it out" });
  return problems;
}

function storedProgramProblems(program: readonly string[]): PlanProblem[] {
  const at = "with.program";
  const [path] = program;
  const problems: PlanProblem[] = [];
  if (path === undefined || !path.startsWith("/"))
    problems.push({ at, problem: `"${path ?? ""}" must be the program's absolute path on the storage node` });
  if (path?.endsWith("/bash") === true) problems.push({ at, problem: "LegoOS cannot run bash; name the program itself" });
  if (program.length > maxArguments) problems.push({ at, problem: `${program.length} arguments; LegoOS takes ${maxArguments}` });
  if (program.some((each) => each.includes("\0"))) problems.push({ at, problem: "an argument contains a NUL" });
  return problems;
}

function linkedProgramProblems(program: readonly string[]): PlanProblem[] {
  const [path, ...more] = program;
  if (path !== undefined && more.length === 0 && /^[A-Za-z0-9_./-]+\.o$/.test(path) && !path.startsWith("/") && !path.includes(".."))
    return [];
  return [
    {
      at: "with.program",
      problem:
        "without a storage node the program is linked into the memory manager's image: name one static object below the source tree " +
        '("usr/general.o"), without arguments, or bind the role storage',
    },
  ];
}
