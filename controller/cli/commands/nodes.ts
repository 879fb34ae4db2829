/** lab nodes: the lab at a glance. */
import type { NodeView } from "../../../proto/gen/lab/v1/node.js";
import { type Context, show, withLab } from "../context.js";
import { type Style, table } from "../terminal.js";
import { clockTime, size } from "../units.js";

export async function listNodes(context: Context, nodeset: string, options: { probe: boolean }): Promise<void> {
  const { nodes, lab } = await withLab(context, (each) =>
    each.nodes.listNodes({ nodeset, probePower: options.probe }, { signal: context.signal }),
  );
  show(context, { lab, nodes }, () => nodeTable(nodes, context.clock.now(), context.terminal.style));
}

/** One row a node: NODE POWER RUNS AGENT CONSOLE LEASE. */
export function nodeTable(nodes: readonly NodeView[], nowMs: number, style: Style): string[] {
  const rows = nodes.map((node) => [node.name, node.power, node.runs || "–", agentCell(node), consoleCell(node, nowMs), leaseCell(node)]);
  const [head = "", ...rest] = table([["NODE", "POWER", "RUNS", "AGENT", "CONSOLE", "LEASE"], ...rows]);
  return [style.bold(head), ...rest];
}

function agentCell({ agentConnected, sshVia }: NodeView): string {
  if (!agentConnected) return "–";
  return sshVia === "" ? "connected" : `ssh via ${sshVia}`;
}

const kindNames: Readonly<Record<string, string>> = { sol: "SOL" };
const quietAfterMs = 60_000;

function consoleCell(node: NodeView, nowMs: number): string {
  if (node.consoleKind === "") return "–";
  const kind = kindNames[node.consoleKind] ?? node.consoleKind;
  if (node.consoleState !== "up") return `${kind}  ✗ ${node.consoleState || "unknown"}`;
  const lastByteMs = Number(node.consoleLastByteMs);
  const quiet = lastByteMs === 0 || nowMs - lastByteMs > quietAfterMs;
  return `${kind}  ${quiet ? "○" : "●"} ${size(node.consoleBytes)}${quiet ? " quiet" : ""}`;
}

function leaseCell(node: NodeView): string {
  if (node.leaseOwner === "") return "–";
  return `${node.leaseOwner} until ${clockTime(Number(node.leaseExpiresMs))}${node.leaseReason === "" ? "" : ` (${node.leaseReason})`}`;
}
