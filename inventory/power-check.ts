/** What the shape of `power:` cannot say: one way to switch a node, groups that exist and lie in one hand. Pure. */
import type { CrossProblem } from "./cross-check.js";
import { nearest } from "./nearest.js";
import { siteAgent } from "./normalize.js";
import { meansOf } from "./power.js";
import type { InventoryFile } from "./schema.js";

export function checkPower(file: InventoryFile): CrossProblem[] {
  return [...checkMeans(file), ...checkGroups(file)];
}

function checkMeans(file: InventoryFile): CrossProblem[] {
  return Object.entries(file.nodes).flatMap(([name, node]): CrossProblem[] => {
    const { power, bmc } = node;
    const means = meansOf(power);
    const path = ["nodes", name, "power"];
    if (means === undefined) {
      if (power === undefined || bmc !== undefined) return [];
      return [
        { path, atKey: true, message: `says nothing that switches ${name}; add bmc: or one of command, redfish, libvirt, agent, manual` },
      ];
    }
    // Redfish is another door of the BMC's box, which then keeps IPMI for the console.
    if (bmc !== undefined && means !== "redfish") {
      return [{ path, atKey: true, message: `${name} has a BMC already; keep bmc: or power: ${means}, one way to switch it` }];
    }
    if (means === "agent" && node.agent === false && node.ssh === undefined) {
      return [{ path: [...path, "agent"], message: `no agent runs on ${name}; give it ssh: { via: … } or another way` }];
    }
    return means === "redfish" ? checkRedfish(file, name, node) : [];
  });
}

function checkRedfish(file: InventoryFile, name: string, { power, bmc }: InventoryFile["nodes"][string]): CrossProblem[] {
  const path = ["nodes", name, "power", "redfish"];
  const redfish = power?.redfish ?? {};
  const shared = bmc && { ...file.defaults?.bmc, ...bmc };
  const problems: CrossProblem[] = [];
  if (redfish.url === undefined && bmc === undefined) problems.push({ path, message: "needs a url; without a bmc there is none to go by" });
  if ((redfish.user ?? shared?.user) === undefined) problems.push({ path, message: "needs a user; give it here or in the node's bmc" });
  if ((redfish.password ?? shared?.password) === undefined)
    problems.push({ path, message: "needs a password; give it here or in the node's bmc" });
  if (redfish.url?.startsWith("http://") === true && !/^http:\/\/(127(\.\d+){3}|localhost|\[::1\])(:\d+)?$/.test(redfish.url)) {
    problems.push({ path: [...path, "url"], message: "would send the password in clear; use https (http only to this machine itself)" });
  }
  return problems;
}

/** The limits of a group are kept by one agent: two could not keep them together. */
function checkGroups(file: InventoryFile): CrossProblem[] {
  const groups = Object.keys(file.power_groups ?? {});
  const hands = new Map<string, { agent: string; node: string }>();
  return Object.entries(file.nodes).flatMap(([name, node]): CrossProblem[] => {
    const group = node.power?.group;
    if (group === undefined) return [];
    const path = ["nodes", name, "power", "group"];
    if (!groups.includes(group)) {
      const near = nearest(group, groups);
      const hint = near === undefined ? `; power groups: ${groups.join(" ") || "none"}` : `; did you mean "${near}"?`;
      return [{ path, message: `"${group}" is not a power group${hint}` }];
    }
    const agent = handOf(file, name, node);
    const first = hands.get(group) ?? { agent, node: name };
    hands.set(group, first);
    if (first.agent === agent) return [];
    return [
      {
        path,
        message: `${name} is switched by agent ${agent}, ${first.node} of the same group by ${first.agent}; a group is kept by one agent`,
      },
    ];
  });
}

function handOf(file: InventoryFile, name: string, { power, bmc, ssh }: InventoryFile["nodes"][string]): string {
  if (meansOf(power) === "agent") return ssh?.via ?? name;
  return siteAgent(file, power?.via ?? bmc?.via ?? file.defaults?.bmc?.via);
}
