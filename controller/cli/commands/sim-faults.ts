/** lab sim faults, fault, heal: what is wrong with the BMCs of a simulation that runs. */
import { type Context, show } from "../context.js";
import { askSimulation, type SimulationReply } from "../local/simulation.js";
import { type Style, table } from "../terminal.js";

export async function listFaults(context: Context): Promise<void> {
  const reply = await askSimulation(context, { op: "list" });
  const { style } = context.terminal;
  show(context, reply, ({ kinds, nodes }) => [...kindTable(kinds, style), "", ...nodes.flatMap(nodeLines)]);
}

/** Without faults it only tells what is on. */
export async function beginFaults(context: Context, node: string, faults: readonly string[]): Promise<void> {
  showNodes(context, await askSimulation(context, { op: "begin", node, faults }));
}

/** Without faults it heals all. */
export async function healFaults(context: Context, node: string, faults: readonly string[]): Promise<void> {
  showNodes(context, await askSimulation(context, { op: "heal", node, faults }));
}

function showNodes(context: Context, { nodes }: SimulationReply): void {
  show(context, { nodes }, () => nodes.flatMap(nodeLines));
}

function kindTable(kinds: SimulationReply["kinds"], style: Style): string[] {
  const rows = kinds.map(({ name, default: value, does }) => [value === "" ? name : `${name}=${value}`, does]);
  const [head = "", ...rest] = table([["FAULT", "WHAT IT DOES"], ...rows]);
  return [style.bold(head), ...rest];
}

function nodeLines({ node, faults }: SimulationReply["nodes"][number]): string[] {
  return [`${node}: ${faults.length === 0 ? "its BMC is sound" : faults.join(" ")}`];
}
