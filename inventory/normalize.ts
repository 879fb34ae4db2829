/** From the file's shape to the model: defaults applied, roles expanded, the only site agent filled in. Pure. */
import type { BmcSpec, ConsoleSpec, DeploymentSpec, Lab, NodeSpec, PowerSafetySpec, SshSpec } from "./model.js";
import { expandName } from "./nodeset.js";
import { normalizePower } from "./power.js";
import type { InventoryFile } from "./schema.js";

type NodeFile = InventoryFile["nodes"][string];
type ConsoleFile = Exclude<NonNullable<NodeFile["console"]>, "none">;

/** The site agent named, or the only one there is; "" when that is ambiguous (the cross-check reports it). */
export function siteAgent(file: InventoryFile, via: string | undefined): string {
  if (via !== undefined) return via;
  const sites = Object.entries(file.agents ?? {}).filter(([, agent]) => agent.site === true);
  return sites.length === 1 ? (sites[0]?.[0] ?? "") : "";
}

export function normalize(file: InventoryFile, path: string, positionOf: (deployment: string) => { line: number; column: number }): Lab {
  return {
    name: file.lab,
    file: path,
    agents: Object.entries(file.agents ?? {}).map(([name, agent]) => ({ name, site: agent.site ?? false })),
    nodes: Object.entries(file.nodes).map(([name, node]) => normalizeNode(file, name, node)),
    deployments: Object.entries(file.deployments ?? {}).map(
      ([name, deployment]): DeploymentSpec => ({
        name,
        recipe: deployment.recipe,
        roles: Object.fromEntries(Object.entries(deployment.roles).map(([role, nodes]) => [role, roleNodes(nodes)])),
        parameters: deployment.with ?? {},
        position: positionOf(name),
      }),
    ),
    powerGroups: Object.entries(file.power_groups ?? {}).map(([name, group]) => ({
      name,
      atOnce: group.at_once ?? 0,
      staggerS: group.stagger ?? 0,
    })),
  };
}

/** Names bound to a role: one name, a folded name ("p[0-1]"), or a list of either. */
export function roleNodes(bound: string | readonly string[]): readonly string[] {
  return (typeof bound === "string" ? [bound] : bound).flatMap(expandName);
}

function normalizeNode(file: InventoryFile, name: string, node: NodeFile): NodeSpec {
  const bmc = normalizeBmc(file, node);
  return {
    name,
    arch: node.arch ?? file.defaults?.arch ?? "x86_64",
    address: node.address,
    tags: node.tags ?? [],
    bmc,
    power: normalizePower({ name, power: node.power, bmc, ssh: node.ssh, siteAgent: (via) => siteAgent(file, via) }),
    safety: normalizeSafety(file, node),
    console: normalizeConsole(file, node, bmc !== undefined),
    agent: node.ssh === undefined && (node.agent ?? true),
    ssh: normalizeSsh(node),
    sim: node.sim ?? {},
  };
}

function normalizeBmc(file: InventoryFile, node: NodeFile): BmcSpec | undefined {
  if (node.bmc === undefined) return undefined;
  const bmc = { ...file.defaults?.bmc, ...node.bmc };
  return {
    address: bmc.address,
    port: bmc.port ?? 623,
    user: bmc.user ?? "",
    password: bmc.password,
    kg: bmc.kg,
    privilege: bmc.privilege ?? "operator",
    cipherSuites: bmc.cipher_suites ?? [],
    quirks: bmc.quirks ?? [],
    via: siteAgent(file, bmc.via),
  };
}

function normalizeSafety(file: InventoryFile, node: NodeFile): PowerSafetySpec {
  const { group, min_off, cycles_per_hour, hold } = { ...file.defaults?.power, ...node.power };
  return { group: group ?? "", minOffS: min_off ?? 0, cyclesPerHour: cycles_per_hour ?? 0, hold: hold ?? "" };
}

function normalizeSsh(node: NodeFile): SshSpec | undefined {
  if (node.ssh === undefined) return undefined;
  const { address, port, user, identity, host_key, via } = node.ssh;
  return {
    address: address ?? node.address ?? "",
    port: port ?? 22,
    user: user ?? "root",
    identity: identity ?? "",
    hostKey: host_key ?? "",
    via,
  };
}

function normalizeConsole(file: InventoryFile, node: NodeFile, hasBmc: boolean): ConsoleSpec | undefined {
  if (node.console === "none") return undefined;
  const own = node.console;
  const shared = file.defaults?.console;
  const source = (own && consoleSource(own)) ?? (shared && consoleSource(shared));
  if (source === undefined) return undefined;
  // A default of SOL is meant for the nodes that have a BMC.
  if (source.kind === "sol" && !hasBmc && (own === undefined || consoleSource(own) === undefined)) return undefined;
  return {
    ...source,
    baudRate: own?.baud ?? shared?.baud ?? 115_200,
    line: own?.line ?? shared?.line ?? "ttyS0",
    via: siteAgent(file, own?.via ?? shared?.via),
  };
}

function consoleSource(spec: ConsoleFile): Pick<ConsoleSpec, "kind" | "target"> | undefined {
  if (spec.sol !== undefined) return { kind: "sol", target: "" };
  if (spec.tcp !== undefined) return { kind: "tcp", target: spec.tcp };
  if (spec.unix !== undefined) return { kind: "unix", target: spec.unix };
  if (spec.file !== undefined) return { kind: "file", target: spec.file };
  return undefined;
}
