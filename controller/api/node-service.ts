/** NodeService for people: the inventory, with what is known about each node now. */
import { powerAgent, type NodeSpec } from "../../inventory/model.js";
import { selectNodes } from "../../inventory/select.js";
import { withDeadline } from "../../proto/base/abort.js";
import type { Clock } from "../../proto/base/clock.js";
import { DeadlineError, UnreachableError } from "../../proto/base/errors.js";
import type { ConsoleView } from "../../proto/gen/lab/v1/console.js";
import type { Facts, NodeServiceService, NodeView } from "../../proto/gen/lab/v1/node.js";

import type { Implementation } from "../../proto/rpc/service.js";
import type { Routes } from "../agents/routes.js";
import type { Lease, Leases, Nodes, PowerState } from "../ports.js";
import type { Acting } from "./acting.js";
import type { ConsoleStates } from "./console-states.js";

/** An overview does not wait longer for one slow node. */
const overviewDeadlineMs = 3_000;

export interface NodeServiceDeps {
  readonly routes: Routes;
  readonly nodes: Nodes;
  readonly leases: Leases;
  readonly acting: Acting;
  readonly consoles: ConsoleStates;
  /** Last power state seen of each node. */
  readonly lastPower: ReadonlyMap<string, PowerState>;
  readonly clock: Clock;
}

export function createNodeService(deps: NodeServiceDeps): Implementation<typeof NodeServiceService> {
  const { routes, nodes, acting } = deps;
  return {
    async listNodes({ nodeset, probePower }, { signal }) {
      const wanted = nodeset === "" ? routes.lab.nodes : selectNodes(routes.lab, nodeset);
      const [consoles, leases] = await Promise.all([deps.consoles.read({ signal }), deps.leases.list()]);
      const views = wanted.map(async (spec) => ({
        ...declared(spec),
        ...leaseView(leases.find((lease) => lease.nodes.includes(spec.name))),
        ...consoleView(spec, consoles.get(spec.name)),
        power: await powerWord(deps, spec, probePower, signal),
        runs: await runsWord(routes, spec, signal),
        agentConnected: routes.isUp(spec.name),
        sshVia: spec.ssh?.via ?? "",
      }));
      return { lab: routes.lab.name, nodes: await Promise.all(views) };
    },
    async getFacts({ node }, { signal }) {
      return (await routes.own(node, { signal })).node.getFacts({ node }, { signal });
    },
    async reboot({ node, fence }, { signal, peer }) {
      const handle = nodes.node(node);
      return acting.run({ node, fence, caller: peer, what: "reboot" }, (permit) => handle.reboot({ fence: permit, signal }));
    },
  };
}

function declared(spec: NodeSpec): Pick<NodeView, "name" | "arch" | "tags" | "address" | "powerKind"> {
  const powerKind = spec.power?.kind ?? (spec.bmc === undefined ? "" : "ipmi");
  return { name: spec.name, arch: spec.arch, tags: [...spec.tags], address: spec.address ?? "", powerKind };
}

function leaseView(lease: Lease | undefined): Pick<NodeView, "leaseOwner" | "leaseExpiresMs" | "leaseReason"> {
  return { leaseOwner: lease?.owner ?? "", leaseExpiresMs: BigInt(lease?.expiresMs ?? 0), leaseReason: lease?.reason ?? "" };
}

function consoleView(
  spec: NodeSpec,
  view: ConsoleView | undefined,
): Pick<NodeView, "consoleKind" | "consoleState" | "consoleBytes" | "consoleLastByteMs"> {
  const none = {
    consoleKind: spec.console?.kind ?? "",
    consoleState: spec.console === undefined ? "" : "down",
    consoleBytes: 0n,
    consoleLastByteMs: 0n,
  };
  if (view === undefined) return none;
  return { consoleKind: view.kind, consoleState: view.state, consoleBytes: view.endOffset, consoleLastByteMs: view.lastByteMs };
}

async function powerWord(deps: NodeServiceDeps, spec: NodeSpec, probe: boolean, signal: AbortSignal): Promise<string> {
  if (powerAgent(spec) === undefined) return "unknown";
  if (!probe) return deps.lastPower.get(spec.name) ?? "unknown";
  if (!deps.routes.canSwitch(spec.name)) return "unreachable";
  const wait = { subject: `power of ${spec.name}`, awaited: "an answer", deadlineMs: overviewDeadlineMs };
  try {
    const { power } = deps.nodes.node(spec.name);
    return (await withDeadline(deps.clock, wait, (within) => power.read({ signal: within }), { signal })).state;
  } catch (error) {
    if (signal.aborted) throw error;
    return error instanceof UnreachableError || error instanceof DeadlineError ? "unreachable" : "unknown";
  }
}

async function runsWord(routes: Routes, spec: NodeSpec, signal: AbortSignal): Promise<string> {
  if ((!spec.agent && spec.ssh === undefined) || !routes.isUp(spec.name)) return "";
  try {
    const { node } = await routes.own(spec.name, { signal });
    return describeSystem(await node.getFacts({ node: spec.name }, { signal, deadlineMs: overviewDeadlineMs }));
  } catch {
    return ""; // The agent went away while we looked.
  }
}

/** "Linux 3.10.0 up 3d". */
function describeSystem(facts: Facts): string {
  return `${facts.kernel} ${facts.kernelRelease} up ${briefDuration(facts.uptimeS)}`;
}

function briefDuration(seconds: number): string {
  if (seconds < 60) return `${Math.floor(seconds)}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}
