/** Everything that is wrong with a deployment before anything is touched, all at once. */
import type { PlanInput, PlannedNode, PlanProblem } from "../../deploy/recipe.js";
import { applicationSigns, type HexoParameters } from "./parameters.js";
import { formPair, type Pair } from "./pair.js";

const numericIpv4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.|$)){4}$/;

/** How a plan lets its application travel: from the parameters, or from what an exercise was asked. */
export type Travel = Pick<HexoParameters, "mode" | "direction" | "rounds" | "request">;

/** The pair a deployment asks for, or why it cannot be one. */
export function planPair(
  { deployment, roles, parameters }: PlanInput<HexoParameters>,
  travel: Travel | undefined,
): Pair | { readonly problems: readonly PlanProblem[] } {
  const { x86: x86Nodes = [], board: boards = [] } = roles;
  const [x86, board] = [x86Nodes[0], boards[0]];
  const problems: PlanProblem[] = [
    ...countProblems("x86", x86Nodes),
    ...countProblems("board", boards),
    ...x86Nodes.flatMap((node) => machineProblems(node, "x86", "x86_64")),
    ...boards.flatMap((node) => machineProblems(node, "board", "aarch64")),
    ...signProblems(parameters),
    ...(travel === undefined ? [] : travelProblems(travel)),
    ...(board !== undefined && board.address === undefined && parameters.boardAddress === undefined
      ? [{ at: "roles.board", problem: `${board.name} has no address; files go to it by rsync: give it one, or set boardAddress` }]
      : []),
    ...(x86 !== undefined && board !== undefined && travel?.mode === "post-copy" ? serverProblems(x86, board, parameters, travel) : []),
  ];
  if (x86 !== undefined && x86 === board) problems.push({ at: "roles.board", problem: `${x86.name} cannot be both machines of the pair` });
  if (problems.length > 0 || x86 === undefined || board === undefined) return { problems };
  return formPair(x86, board, deployment, parameters);
}

function countProblems(role: string, nodes: readonly PlannedNode[]): PlanProblem[] {
  return nodes.length === 1 ? [] : [{ at: `roles.${role}`, problem: `needs one node, has ${nodes.length}: a pair is two machines` }];
}

function machineProblems(node: PlannedNode, role: string, arch: string): PlanProblem[] {
  const at = `roles.${role}`;
  const problems: PlanProblem[] = [];
  if (node.arch !== arch) problems.push({ at, problem: `${node.name} is ${node.arch}; this side of the pair must be ${arch}` });
  if (node.reach === "none")
    problems.push({ at, problem: `${node.name} has no agent and no ssh; let an agent run on it, or give it ssh: { via: … }` });
  return problems;
}

function signProblems(parameters: HexoParameters): PlanProblem[] {
  return (["iterations", "success"] as const).flatMap((key) => {
    try {
      applicationSigns({ app: parameters.app, class: "", iterations: "", success: "", [key]: parameters[key] });
      return [];
    } catch (error) {
      return [{ at: `with.${key}`, problem: `${error instanceof Error ? error.message : "it is not a regular expression"}` }];
    }
  });
}

function travelProblems({ mode, direction, rounds, request }: Travel): PlanProblem[] {
  const problems: PlanProblem[] = [];
  if (direction !== "ping-pong" && rounds !== 1)
    problems.push({ at: "with.rounds", problem: `${rounds} rounds are for direction ping-pong; ${direction} is one migration` });
  if (direction === "ping-pong" && mode === "post-copy" && request === "signal")
    problems.push({
      at: "with.request",
      problem:
        "an application resumed in post-copy shows PULLING_PAGES and never READY_FOR_MIGRATION, and a signal before that kills it: " +
        "use request migtest, or mode checkpoint",
    });
  return problems;
}

/** A post-copy source is found by a numeric IPv4 address only: anything else prints an error and fails much later. */
function serverProblems(x86: PlannedNode, board: PlannedNode, parameters: HexoParameters, { direction }: Travel): PlanProblem[] {
  const sources = [
    { isUsed: direction !== "arm-to-x86", role: "x86", key: "server", node: x86, address: parameters.server ?? x86.address },
    {
      isUsed: direction !== "x86-to-arm",
      role: "board",
      key: "boardAddress",
      node: board,
      address: parameters.boardAddress ?? board.address,
    },
  ];
  return sources
    .filter(({ isUsed, address }) => isUsed && !numericIpv4.test(address ?? ""))
    .map(({ role, key, node, address }) => ({
      at: `roles.${role}`,
      problem:
        `post-copy pulls pages from ${node.name} at a numeric IPv4 address and it has ${address === undefined ? "none" : `"${address}"`}; ` +
        `give the node one, or set ${key}`,
    }));
}
