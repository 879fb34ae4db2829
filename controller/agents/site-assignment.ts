/** What an agent is told to look after: the inventory's part for it, with its secrets. */
import { readSecret } from "../../inventory/credentials.js";
import {
  powerAgent,
  type BmcSpec,
  type ConsoleSpec,
  type Lab,
  type NodeSpec,
  type PowerSpec,
  type SshSpec,
} from "../../inventory/model.js";
import { describeError, InvalidInventoryError } from "../../proto/base/errors.js";
import type {
  BmcAssignment,
  ConsoleAssignment,
  PowerAssignment,
  PowerSafety,
  SiteAssignment,
  SiteNode,
  SshAssignment,
} from "../../proto/gen/lab/v1/agent.js";

/** For any agent: site duty or not, nodes may be reached through it. Throws InvalidInventoryError with every secret of this site that cannot be read. */
export function siteAssignment(lab: Lab, agent: string): SiteAssignment {
  const problems: string[] = [];
  const nodes = lab.nodes.flatMap((node) => {
    try {
      return siteNode(node, agent) ?? [];
    } catch (error) {
      problems.push(describeError(error));
      return [];
    }
  });
  if (problems.length > 0) throw new InvalidInventoryError(problems.join("\n"));
  const named = new Set(nodes.map((node) => node.safety?.group));
  const groups = lab.powerGroups
    .filter(({ name }) => named.has(name))
    .map(({ name, atOnce, staggerS }) => ({ name, atOnce, staggerMs: Math.round(staggerS * 1000) }));
  return { nodes, groups };
}

/** Throws InvalidInventoryError with every secret of the lab that cannot be read: better at start than at the first power cycle. */
export function checkSecrets(lab: Lab): void {
  const problems = lab.agents
    .filter((agent) => agent.site)
    .flatMap((agent) => {
      try {
        siteAssignment(lab, agent.name);
        return [];
      } catch (error) {
        return [describeError(error)];
      }
    });
  if (problems.length > 0) throw new InvalidInventoryError(problems.join("\n"));
}

function siteNode(node: NodeSpec, agent: string): SiteNode | undefined {
  const bmc = node.bmc?.via === agent ? bmcAssignment(node.name, node.bmc) : undefined;
  const console = node.console?.via === agent ? consoleAssignment(node.console) : undefined;
  const power = node.power?.via === agent ? powerAssignment(node.name, node.power) : undefined;
  const ssh = node.ssh?.via === agent ? sshAssignment(node.ssh) : undefined;
  if (bmc === undefined && console === undefined && power === undefined && ssh === undefined) return undefined;
  const safety = powerAgent(node) === agent ? powerSafety(node) : undefined;
  return { node: node.name, bmc, console, ssh, power, safety };
}

function powerSafety({ safety: { group, minOffS, cyclesPerHour, hold } }: NodeSpec): PowerSafety {
  return { group, minOffMs: Math.round(minOffS * 1000), cyclesPerHour, hold };
}

function powerAssignment(node: string, power: PowerSpec): PowerAssignment {
  switch (power.kind) {
    case "command":
      return { means: { $case: "command", value: { argv: [...power.argv] } } };
    case "redfish": {
      const { url, user: username, system, fingerprint } = power;
      const password = power.password === undefined ? "" : readSecret(power.password, `nodes.${node}.power.redfish.password`);
      return { means: { $case: "redfish", value: { url, username, password, system, fingerprint } } };
    }
    case "libvirt":
      return { means: { $case: "libvirt", value: { uri: power.uri, domain: power.domain } } };
    case "agent":
      return { means: { $case: "agent", value: {} } };
    case "manual":
      return { means: { $case: "manual", value: { note: power.note } } };
  }
}

function sshAssignment({ address, port, user, identity, hostKey }: SshSpec): SshAssignment {
  return { address, port, user, identity, hostKey };
}

function bmcAssignment(node: string, bmc: BmcSpec): BmcAssignment {
  const secret = (what: "password" | "kg") => {
    const reference = bmc[what];
    return reference === undefined ? "" : readSecret(reference, `nodes.${node}.bmc.${what}`);
  };
  return {
    address: bmc.address,
    port: bmc.port,
    username: bmc.user,
    password: secret("password"),
    kg: keyBytes(secret("kg"), `nodes.${node}.bmc.kg`),
    privilege: bmc.privilege,
    cipherSuites: [...bmc.cipherSuites],
    quirks: [...bmc.quirks],
  };
}

/** A BMC key as it is written: text, or 0x and hexadecimal digits (it may hold any byte). */
function keyBytes(text: string, subject: string): Buffer {
  if (!text.startsWith("0x")) return Buffer.from(text);
  if (!/^0x([0-9a-f]{2})+$/i.test(text)) throw new InvalidInventoryError(`${subject}: after 0x, pairs of hexadecimal digits are expected`);
  return Buffer.from(text.slice(2), "hex");
}

function consoleAssignment(console: ConsoleSpec): ConsoleAssignment {
  // The inventory says "serial" for a device of the site agent's host; on the wire that is a "tty".
  const kind = console.kind === "serial" ? "tty" : console.kind;
  return { kind, target: console.target, baudRate: console.baudRate, line: console.line };
}
