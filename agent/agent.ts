/** Composition root: the only file that knows every driver. Opens what both duties need and offers it as gRPC services. */
import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Server } from "@grpc/grpc-js";
import type { Clock } from "../proto/base/clock.js";
import { InvalidArgumentError } from "../proto/base/errors.js";
import { Lifecycle } from "../proto/base/lifecycle.js";
import type { Logger } from "../proto/base/logger.js";
import {
  AgentServiceService,
  type AgentDescription,
  type BmcAssignment,
  type PowerAssignment,
  type SiteAssignment,
  type SiteNode,
} from "../proto/gen/lab/v1/agent.js";
import { BmcServiceService } from "../proto/gen/lab/v1/bmc.js";
import { BootServiceService } from "../proto/gen/lab/v1/boot.js";
import { CommandServiceService } from "../proto/gen/lab/v1/command.js";
import { ConsoleServiceService } from "../proto/gen/lab/v1/console.js";
import { FileServiceService } from "../proto/gen/lab/v1/file.js";
import { NodeServiceService } from "../proto/gen/lab/v1/node.js";
import { PowerServiceService } from "../proto/gen/lab/v1/power.js";
import { addService, type ServeOptions } from "../proto/rpc/server.js";
import { Captures } from "./capture/captures.js";
import type { AgentConfig } from "./config.js";
import { BmcPool } from "./drivers/bmc.js";
import { consoleDrivers, consoleSource } from "./drivers/console/registry.js";
import { openSolConsole } from "./drivers/console/sol.js";
import { Acts } from "./drivers/power/acts.js";
import { PowerGate } from "./drivers/power/gate.js";
import { RedfishServices } from "./drivers/power/redfish/service.js";
import { powerDevice, type PowerMeans, type PowerTarget } from "./drivers/power/registry.js";
import type { Limits } from "./drivers/power/turns.js";
import { VerifiedPower } from "./drivers/power/verified.js";
import { WearFile } from "./drivers/power/wear-file.js";
import { Fences } from "./fence.js";
import { GrubBootLoader } from "./host/boot/grub.js";
import { HostMachine } from "./host/facts/machine.js";
import { homeBelow } from "./host/home.js";
import { HostFiles } from "./host/files/files.js";
import { HostJobs } from "./host/jobs/jobs.js";
import { RootDirectory } from "./host/root-directory.js";
import type { PoweredConsole } from "./ports/power.js";
import { UdpTransport, type BmcOptions } from "./ipmi/index.js";
import { OperatedNodes, type OperatedNode } from "./service/acting.js";
import { agentService } from "./service/agent-service.js";
import { bmcService } from "./service/bmc-service.js";
import { bootService } from "./service/boot-service.js";
import { commandService } from "./service/command-service.js";
import { consoleService } from "./service/console-service.js";
import { fileService } from "./service/file-service.js";
import { nodeService } from "./service/node-service.js";
import { powerService } from "./service/power-service.js";
import { Site } from "./site.js";
import { sshNode } from "./ssh/node.js";
import { version } from "./version.js";

export interface AgentDependencies {
  readonly clock: Clock;
  readonly log: Logger;
  /** Program that supervises a job; the job's directory is appended. */
  readonly supervisor: readonly string[];
}

export interface Agent {
  /** Adds the services of this agent's duties to a server. */
  addTo(server: Server): void;
  /** Lets go of BMCs and consoles; jobs run on. Idempotent. */
  close(): Promise<void>;
}

/** Opens the agent's state and duties; touches no hardware before it is asked to, or was asked to in an earlier life. */
export async function openAgent(config: AgentConfig, deps: AgentDependencies): Promise<Agent> {
  const { clock, log } = deps;
  await mkdir(config.state, { recursive: true, mode: 0o700 });
  const lifecycle = new Lifecycle();
  const fences = await Fences.open(join(config.state, "fences.json"));
  const root = new RootDirectory(config.root);
  const machine = new HostMachine({ root, rebootArgv: config.rebootCommand });
  const bootId = await machine.bootId();
  const captures = new Captures({ directory: join(config.state, "consoles"), clock, logger: log });
  const nodes = new OperatedNodes(config.name, (name, fence) => fences.require(name, fence));
  if (config.node) nodes.set(config.name, await openNode(config, deps, { root, machine, bootId }));
  const reach: Reach = (node) => reachBySsh(node, nodes, config, deps, root);
  const site = await openSite(config, deps, captures, lifecycle, { ssh: reach, machine: (node) => nodes.find(node)?.machine });
  // Before the BMCs: a capture lets go of its SOL by itself, else it would record that it lost it.
  lifecycle.onClose(() => captures.close());

  const startedMs = BigInt(clock.now());
  const describe = async (): Promise<AgentDescription> => {
    const duties = [...(config.node ? ["node"] : []), ...(site.assigned ? ["site"] : [])];
    return { name: config.name, version, duties, bootId, startedMs, runtime: `node ${process.version}` };
  };
  return {
    addTo(server) {
      const options: ServeOptions = { onError: (err, rpc) => log.warn({ err, rpc }, "call failed") };
      addService(
        server,
        AgentServiceService,
        agentService(describe, (assignment) => site.assign(assignment)),
        options,
      );
      addService(
        server,
        PowerServiceService,
        powerService(
          (name) => site.power(name),
          (name, fence) => fences.require(name, fence),
        ),
        options,
      );
      addService(
        server,
        BmcServiceService,
        bmcService(
          (name) => site.power(name),
          (name, fence) => fences.require(name, fence),
        ),
        options,
      );
      addService(server, ConsoleServiceService, consoleService(captures), options);
      addService(server, NodeServiceService, nodeService(nodes), options);
      addService(server, BootServiceService, bootService(nodes), options);
      addService(server, CommandServiceService, commandService(nodes), options);
      addService(server, FileServiceService, fileService(nodes), options);
    },
    close: () => lifecycle.close(),
  };
}

/** Node duty: the machine this agent runs on. */
async function openNode(
  config: AgentConfig,
  { clock, log, supervisor }: AgentDependencies,
  host: { root: RootDirectory; machine: HostMachine; bootId: string },
): Promise<OperatedNode> {
  const { root, machine, bootId } = host;
  const { keepJobs: keep, exitWithStdin: shareStdin, grubDirectory } = config;
  const directory = join(config.state, "jobs");
  const commands = await HostJobs.open({ directory, root, clock, log, supervisor, bootId, keep, shareStdin });
  const files = new HostFiles({ root, clock });
  const loader = new GrubBootLoader({ root, directory: grubDirectory });
  return { commands, files, machine, loader };
}

type Reach = (node: SiteNode) => (() => void) | undefined;

/** A machine without agent, from here. Fences of its name are kept as for any other node. */
function reachBySsh(
  { node, ssh }: SiteNode,
  nodes: OperatedNodes,
  { name, keepJobs: keep }: AgentConfig,
  { clock, log }: AgentDependencies,
  root: RootDirectory,
): (() => void) | undefined {
  if (ssh === undefined) return undefined;
  if (nodes.has(node)) throw new InvalidArgumentError(`agent ${name} is on that machine itself; nobody needs ssh to reach it`);
  const files = { home: homeBelow(root), resolve: (path: string) => root.resolve(path) };
  const reached = sshNode({ target: ssh, files, clock, log: log.child({ node }), keep });
  nodes.set(node, reached);
  return () => {
    nodes.delete(node);
    reached.close();
  };
}

/** What this agent is told to look after: power, serial lines, ssh logins. */
async function openSite(
  config: AgentConfig,
  { clock, log }: AgentDependencies,
  captures: Captures,
  lifecycle: Lifecycle,
  { ssh, machine }: { ssh: Reach; machine: PowerMeans["machine"] },
): Promise<Site> {
  const transport = new UdpTransport();
  lifecycle.onClose(() => transport.close());
  const bmcs = new BmcPool({ clock, log, transport, random: (length) => randomBytes(length) });
  lifecycle.onClose(() => bmcs.close());
  const redfish = new RedfishServices({ clock, log });
  lifecycle.onClose(() => redfish.close());
  const acts = await Acts.open(join(config.state, "acts"));
  const { powerSettleMs: settleMs, powerPollMs: pollMs, powerWindow: window } = config;
  const wear = await WearFile.open(join(config.state, "power-wear.json"), clock);
  const gate = new PowerGate({ clock, log, window, settleMs, wear });
  const site = await Site.open({
    file: join(config.state, "site.assignment"),
    captures,
    log,
    drivers: {
      power: (node) => powerDevice(powerTarget(node), { clock, bmcs, redfish, machine, directory: join(config.state, "power") }),
      console: (node) => sourceOf(node, bmcs, clock),
      ssh,
      protect: (assignment) => gate.protect(limitsOf(assignment)),
      verify: ({ node }, device) => {
        const console: PoweredConsole = {
          endOffset: () => captures.find(node)?.status.endOffset ?? 0,
          markPower: (verb) => captures.find(node)?.markPower(verb) ?? 0,
        };
        return new VerifiedPower({ node, device, gate, acts, console, clock, log, pollMs });
      },
    },
  });
  lifecycle.onClose(() => site.close());
  return site;
}

/** What protects the nodes' power, by name. */
function limitsOf({ nodes, groups }: SiteAssignment): Limits {
  return {
    groups: new Map(groups.map((group) => [group.name, group])),
    safety: new Map(nodes.flatMap(({ node, safety }) => (safety === undefined ? [] : [[node, safety]]))),
  };
}

/** How a node's power is switched, in the words of the drivers. */
function powerTarget({ node, bmc, power }: SiteNode): PowerTarget {
  const { means } = power ?? {};
  return { node, bmc: bmc && bmcOptions(bmc), means: means && meansOf(means) };
}

function meansOf(means: NonNullable<PowerAssignment["means"]>): PowerTarget["means"] {
  switch (means.$case) {
    case "command":
      return { kind: "command", ...means.value };
    case "redfish":
      return { kind: "redfish", ...means.value };
    case "libvirt":
      return { kind: "libvirt", ...means.value };
    case "agent":
      return { kind: "agent" };
    case "manual":
      return { kind: "manual", ...means.value };
  }
}

/** The serial line of a node. The capture takes SOL from whoever else holds it: a log with holes is worth less than their session. */
function sourceOf({ node, console, bmc }: SiteNode, bmcs: BmcPool, clock: Clock) {
  if (console === undefined) return undefined;
  const { kind, target, baudRate } = console;
  if (kind !== "sol") return consoleSource(consoleDrivers, { node, kind, target, baudRate }, clock);
  if (bmc === undefined) throw new InvalidArgumentError("its console is SOL and it has no BMC here");
  return openSolConsole(bmcs, { bmc: bmcOptions(bmc), steal: true });
}

function bmcOptions(bmc: BmcAssignment): BmcOptions {
  const { address, port, username: user, password, kg, privilege, cipherSuites, quirks } = bmc;
  return {
    address,
    user,
    password,
    cipherSuites,
    quirks,
    privilege: privilegeOf(privilege),
    ...(port === 0 ? {} : { port }),
    ...(kg.length === 0 ? {} : { kg: `0x${kg.toString("hex")}` }),
  };
}

function privilegeOf(text: string): "user" | "operator" | "administrator" {
  if (text === "" || text === "operator") return "operator";
  if (text === "user" || text === "administrator") return text;
  throw new InvalidArgumentError(`BMC privilege ${JSON.stringify(text)}: must be operator, administrator or user`);
}
