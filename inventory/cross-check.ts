/** What a shape cannot say: names that must exist, things that may be used once only. Pure. */
import { nearest } from "./nearest.js";
import { foldNames } from "./nodeset.js";
import { roleNodes, siteAgent } from "./normalize.js";
import { meansOf } from "./power.js";
import { checkPower } from "./power-check.js";
import type { InventoryFile } from "./schema.js";
import { checkSsh } from "./ssh-check.js";

export interface CrossProblem {
  readonly path: readonly string[];
  readonly atKey?: boolean;
  readonly message: string;
}

/** `lineOf` gives the line of a path, so that a message can point at the other place. */
export function crossCheck(file: InventoryFile, lineOf: (path: readonly string[]) => number): CrossProblem[] {
  return [
    ...checkAddresses(file, lineOf),
    ...checkSites(file),
    ...checkSsh(file),
    ...checkCredentials(file),
    ...checkPower(file),
    ...checkDeployments(file),
  ];
}

function checkAddresses(file: InventoryFile, lineOf: (path: readonly string[]) => number): CrossProblem[] {
  const problems: CrossProblem[] = [];
  const owners = new Map<string, { what: string; path: readonly string[] }>();
  const claim = (key: string, what: string, path: readonly string[], shown: string) => {
    const owner = owners.get(key);
    if (owner === undefined) owners.set(key, { what, path });
    else problems.push({ path, message: `${shown} is ${owner.what}'s address already (line ${lineOf(owner.path)})` });
  };
  for (const [name, node] of Object.entries(file.nodes)) {
    if (node.address !== undefined) claim(`node ${node.address.toLowerCase()}`, name, ["nodes", name, "address"], node.address);
  }
  for (const [name, node] of Object.entries(file.nodes)) {
    if (node.bmc === undefined) continue;
    const port = node.bmc.port ?? file.defaults?.bmc?.port ?? 623;
    const shown = port === 623 ? node.bmc.address : `${node.bmc.address} port ${port}`;
    claim(`bmc ${node.bmc.address.toLowerCase()} ${port}`, `the BMC of ${name}`, ["nodes", name, "bmc", "address"], shown);
  }
  return problems;
}

/** Everything that arrives at a site agent names one that exists and has site duty. */
function checkSites(file: InventoryFile): CrossProblem[] {
  const problems: CrossProblem[] = [];
  const agents = Object.keys(file.agents ?? {});
  const sites = agents.filter((name) => file.agents?.[name]?.site === true);
  const checkVia = (via: string | undefined, path: readonly string[], what: string) => {
    if (via === undefined) {
      if (siteAgent(file, undefined) !== "") return;
      const why =
        sites.length === 0 ? "no agent has site duty; add agents: { NAME: { site: true } }" : `name one with via: ${sites.join(" or ")}`;
      problems.push({ path, message: `${what} needs a site agent: ${why}` });
    } else if (!sites.includes(via)) {
      const hint = nearest(via, sites);
      const near = hint === undefined ? `; site agents: ${sites.join(" ") || "none"}` : `; did you mean "${hint}"?`;
      problems.push({
        path: [...path, "via"],
        message: agents.includes(via) ? `agent ${via} has no site duty; add site: true` : `"${via}" is not an agent${near}`,
      });
    }
  };
  const shared = file.defaults;
  if (shared?.bmc?.via !== undefined) checkVia(shared.bmc.via, ["defaults", "bmc"], "a BMC");
  if (shared?.console?.via !== undefined) checkVia(shared.console.via, ["defaults", "console"], "a console");
  for (const [name, node] of Object.entries(file.nodes)) {
    if (node.bmc !== undefined && shared?.bmc?.via === undefined) checkVia(node.bmc.via, ["nodes", name, "bmc"], "a BMC");
    const means = meansOf(node.power);
    if (means !== undefined && means !== "agent" && !(means === "redfish" && node.power?.via === undefined && node.bmc !== undefined)) {
      checkVia(node.power?.via, ["nodes", name, "power"], `power by ${means}`);
    }
    if (node.console !== undefined && node.console !== "none") {
      if (shared?.console?.via === undefined || node.console.via !== undefined)
        checkVia(node.console.via, ["nodes", name, "console"], "a console");
      if (node.console.sol !== undefined && node.bmc === undefined) {
        problems.push({
          path: ["nodes", name, "console", "sol"],
          message: `SOL needs a BMC, and ${name} has none; add bmc: { address: … }`,
        });
      }
    }
  }
  return problems;
}

function checkCredentials(file: InventoryFile): CrossProblem[] {
  return Object.entries(file.nodes).flatMap(([name, node]): CrossProblem[] => {
    if (node.bmc === undefined) return [];
    const bmc = { ...file.defaults?.bmc, ...node.bmc };
    if (bmc.user !== undefined && bmc.password !== undefined) return [];
    const missing = bmc.user === undefined ? "user" : "password";
    return [{ path: ["nodes", name, "bmc"], message: `the BMC needs a ${missing}; give it here or under defaults.bmc` }];
  });
}

function checkDeployments(file: InventoryFile): CrossProblem[] {
  const problems: CrossProblem[] = [];
  const known = new Set(Object.keys(file.nodes));
  for (const [name, deployment] of Object.entries(file.deployments ?? {})) {
    const users = new Map<string, string>();
    for (const [role, bound] of Object.entries(deployment.roles)) {
      const path = ["deployments", name, "roles", role];
      let nodes: readonly string[];
      try {
        nodes = roleNodes(bound);
      } catch (error) {
        problems.push({ path, message: error instanceof Error ? error.message : "is not a nodeset" });
        continue;
      }
      const unknown = nodes.filter((node) => !known.has(node));
      if (unknown.length > 0) problems.push({ path, message: `role ${role} is bound to ${notNodes(unknown, [...known])}` });
      for (const node of nodes) {
        const user = users.get(node);
        if (known.has(node) && user !== undefined) problems.push({ path, message: `${node} is bound twice: to ${user} and to ${role}` });
        users.set(node, role);
      }
    }
    if (known.has(name))
      problems.push({ path: ["deployments", name], atKey: true, message: `${name} is a node's name too; a nodeset could mean either` });
  }
  return problems;
}

/** "p9, which is not a node (did you mean "p0"?); nodes: p0 m0": one sentence, however many names a slip in a range makes. */
function notNodes(unknown: readonly string[], names: readonly string[]): string {
  const shown = names.length <= 12 ? names.join(" ") : `${names.slice(0, 12).join(" ")} …`;
  const [only = ""] = unknown;
  if (unknown.length > 1) return `${foldNames(unknown)}, which are not nodes; nodes: ${shown}`;
  const near = nearest(only, names);
  return `${only}, which is not a node${near === undefined ? "" : ` (did you mean "${near}"?)`}; nodes: ${shown}`;
}
