/**
 * The controller: rooms put together. Nothing here decides anything; it makes the parts, hands them to each other, and closes them in
 * reverse order.
 */
import { Server } from "@grpc/grpc-js";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Lab } from "../inventory/model.js";
import type { Clock } from "../proto/base/clock.js";
import { replaceFile } from "../proto/base/durable-file.js";
import { LabError } from "../proto/base/errors.js";
import { Lifecycle } from "../proto/base/lifecycle.js";
import type { Logger } from "../proto/base/logger.js";
import { BmcServiceService } from "../proto/gen/lab/v1/bmc.js";
import { BootServiceService } from "../proto/gen/lab/v1/boot.js";
import { CommandServiceService } from "../proto/gen/lab/v1/command.js";
import { ConsoleServiceService } from "../proto/gen/lab/v1/console.js";
import { DeploymentServiceService } from "../proto/gen/lab/v1/deployment.js";
import { EnrollmentServiceService } from "../proto/gen/lab/v1/enrollment.js";
import { EventServiceService } from "../proto/gen/lab/v1/event.js";
import { FileServiceService } from "../proto/gen/lab/v1/file.js";
import { LeaseServiceService } from "../proto/gen/lab/v1/lease.js";
import { NodeServiceService } from "../proto/gen/lab/v1/node.js";
import { PowerServiceService } from "../proto/gen/lab/v1/power.js";
import { formatAddress, hostAndPort } from "../proto/base/address.js";
import { serverOptions } from "../proto/rpc/channel.js";
import { Port } from "../proto/rpc/mux.js";
import { addService } from "../proto/rpc/server.js";
import type { Implementation, ServiceDefinition } from "../proto/rpc/service.js";
import { AgentRegistry } from "./agents/registry.js";
import { consoleUpstream } from "./agents/console-upstream.js";
import { watchConsoles } from "./agents/console-watch.js";
import { RemoteNodes } from "./agents/remote-node.js";
import { Routes } from "./agents/routes.js";
import { checkSecrets } from "./agents/site-assignment.js";
import { Acting } from "./api/acting.js";
import { AnnouncedLeases } from "./api/announced-leases.js";
import { authorize } from "./api/authorization.js";
import { createBmcService } from "./api/bmc-service.js";
import { createBootService } from "./api/boot-service.js";
import { createCommandService } from "./api/command-service.js";
import { ConsoleEvents } from "./api/console-events.js";
import { createConsoleService } from "./api/console-service.js";
import { ConsoleStates } from "./api/console-states.js";
import { createEnrollmentService } from "./api/enrollment-service.js";
import { EventBus } from "./api/event-bus.js";
import { createEventService } from "./api/event-service.js";
import { createFileService } from "./api/file-service.js";
import { createLeaseService } from "./api/lease-service.js";
import { createNodeService } from "./api/node-service.js";
import { createPowerService } from "./api/power-service.js";
import type { ControllerConfig } from "./config.js";
import { ConsoleHub } from "./consoles/hub.js";
import { Authority } from "./identity/authority.js";
import { Enrollment } from "./identity/enrollment.js";
import { JoinTokens } from "./identity/join-tokens.js";
import { ensureOperator } from "./identity/operator.js";
import type { Leases, Nodes, PowerState } from "./ports.js";

/** What a room that lives with the controller, such as deployments, gets to work with. */
export interface ControllerContext {
  readonly lab: Lab;
  readonly nodes: Nodes;
  readonly leases: Leases;
  readonly events: EventBus;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Deployments as the controller sees them. */
export interface DeploymentRoom {
  readonly service: Implementation<typeof DeploymentServiceService>;
  /** Takes up runs a former controller left unfinished. Called when agents can connect. */
  recover(): Promise<void>;
  /** Lets go of runs without ending them: the next controller takes them up. */
  close(): Promise<void>;
}

export interface ControllerOptions {
  readonly config: Pick<ControllerConfig, "listen" | "state" | "names" | "operator" | "agentWaitMs">;
  readonly lab: Lab;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly leases: Leases;
  readonly deployments?: (context: ControllerContext) => Promise<DeploymentRoom>;
}

export interface Controller {
  /** HOST:PORT to dial from this host. */
  readonly address: string;
  readonly caSha256: string;
  readonly nodes: Nodes;
  readonly events: EventBus;
  /** Stops serving and lets agents go. Idempotent. */
  close(): Promise<void>;
}

const certificateRenewalMs = 24 * 3_600_000;

/** Starts a controller. Throws InvalidInventoryError when a secret cannot be read, UnreachableError when the port is taken. */
export async function startController(options: ControllerOptions): Promise<Controller> {
  const { config, lab } = options;
  checkSecrets(lab);
  const identities = await openIdentities(options);
  const rooms = await assembleRooms(options);
  const { nodes, events } = rooms.context;
  const api = new Server(serverOptions());
  const tls = await identities.authority.issueServer(config.names);
  const port = new Port({ tls, api, onAgent: (socket, agent) => void rooms.registry.accept(socket, agent), logger: options.logger });

  // Closed in reverse: runs are let go while their agents are still there, then agents, then the port.
  const lifecycle = new Lifecycle();
  lifecycle.onClose(() => {
    api.forceShutdown();
    return port.close();
  });
  lifecycle.onClose(() => rooms.registry.close());
  lifecycle.onClose(() => rooms.hub.close());
  lifecycle.onClose(() => rooms.leases.close());
  lifecycle.onClose(keepCertificateFresh(port, identities.authority, options));
  try {
    const deployments = await options.deployments?.(rooms.context);
    if (deployments !== undefined) lifecycle.onClose(() => deployments.close());
    serveApi(api, rooms, identities.enrollment, deployments);
    const address = await listen(port, config.listen);
    const { caSha256 } = identities.authority;
    await replaceFile(join(config.state, "endpoint.json"), `${JSON.stringify({ address, caSha256 })}\n`);
    await deployments?.recover();
    return { address, caSha256, nodes, events, close: () => lifecycle.close() };
  } catch (error) {
    await lifecycle.close();
    throw error;
  }
}

function serveApi(api: Server, rooms: Rooms, enrollment: Enrollment, deployments: DeploymentRoom | undefined): void {
  const { routes, hub, lastPower, context } = rooms;
  const { lab, nodes, leases, events, clock, logger } = context;
  const acting = new Acting(leases);
  const consoles = new ConsoleStates(routes);
  const serve = <D extends ServiceDefinition>(definition: D, implementation: Partial<Implementation<D>>) =>
    addService(api, definition, implementation, { authorize, onError: (err, rpc) => logFailure(logger, err, rpc) });
  serve(EnrollmentServiceService, createEnrollmentService(enrollment));
  serve(NodeServiceService, createNodeService({ routes, nodes, leases, acting, consoles, lastPower, clock }));
  serve(PowerServiceService, createPowerService({ nodes, acting }));
  serve(BmcServiceService, createBmcService({ routes, acting }));
  serve(BootServiceService, createBootService({ nodes, acting }));
  serve(ConsoleServiceService, createConsoleService({ routes, hub, states: consoles, clock }));
  serve(CommandServiceService, createCommandService({ routes, acting }));
  serve(FileServiceService, createFileService({ routes, acting }));
  serve(LeaseServiceService, createLeaseService({ lab, leases }));
  serve(EventServiceService, createEventService({ lab, events }));
  if (deployments !== undefined) serve(DeploymentServiceService, deployments.service);
}

/** CA, tokens and the first operator, from the state directory. */
async function openIdentities({ config, lab, clock }: ControllerOptions) {
  const directory = join(config.state, "ca");
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const authority = await Authority.open(directory, { clock, lab: lab.name });
  const tokens = await JoinTokens.open(join(config.state, "join-tokens.json"), { clock });
  await ensureOperator(join(config.state, "operator"), { authority, name: config.operator, clock });
  return { authority, enrollment: new Enrollment(authority, tokens) };
}

interface Rooms {
  readonly context: ControllerContext;
  readonly registry: AgentRegistry;
  readonly routes: Routes;
  readonly hub: ConsoleHub;
  readonly leases: AnnouncedLeases;
  readonly lastPower: ReadonlyMap<string, PowerState>;
}

/** Agents, nodes and leases, telling the event bus what happens to them. */
async function assembleRooms({ config, lab, clock, logger, leases: unannounced }: ControllerOptions): Promise<Rooms> {
  const events = new EventBus(clock);
  const leases = await AnnouncedLeases.open({ leases: unannounced, events, clock, logger });
  const consoleEvents = new ConsoleEvents(lab, events);
  const nodeOf = (agent: string) => (lab.nodes.some((node) => node.name === agent) ? agent : "");
  const captures = (agent: string) => lab.nodes.some((node) => node.console?.via === agent);
  const registry = new AgentRegistry({
    lab,
    clock,
    logger,
    reconnectMs: config.agentWaitMs,
    onConnected: (agent) => {
      events.publish("agent-connected", nodeOf(agent.name), `agent ${agent.name} connected`);
      if (captures(agent.name)) void watchConsoles(agent, { clock, logger, onNotice: (notice) => consoleEvents.tell(agent.name, notice) });
    },
    onLost: ({ name }, reason) => events.publish("agent-lost", nodeOf(name), `agent ${name} lost: ${reason}`),
  });
  const routes = new Routes(lab, registry);
  const hub = new ConsoleHub({ upstream: (node) => consoleUpstream(routes, node), clock, logger });
  const lastPower = new Map<string, PowerState>();
  const nodes = new RemoteNodes({
    routes,
    clock,
    console: (node) => hub.console(node),
    onPower: (node, state) => lastPower.set(node, state),
    onPowerAct: (node, verb, { before, after }) => events.publish("power", node, `power ${verb}: ${before} → ${after}`),
  });
  const context = { lab, nodes, leases, events, clock, logger };
  return { context, registry, routes, hub, leases, lastPower };
}

/** Makes the port's certificate anew every day, long before it grows old. Returns what ends that. */
function keepCertificateFresh(port: Port, authority: Authority, { config, clock, logger }: ControllerOptions): () => void {
  const renew = () => {
    timer = clock.after(certificateRenewalMs, renew, { background: true });
    authority.issueServer(config.names).then(
      (fresh) => port.useCertificate(fresh),
      (err: unknown) => logger.error({ err }, "the port's certificate could not be renewed"),
    );
  };
  let timer = clock.after(certificateRenewalMs, renew, { background: true });
  return () => timer.cancel();
}

/** The address to dial from this host. */
async function listen(port: Port, address: string): Promise<string> {
  const wanted = hostAndPort(address);
  const bound = await port.listen(wanted.host, wanted.port);
  // Listening everywhere is not an address: from here it is this host.
  const here: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };
  return formatAddress({ host: here[bound.host] ?? bound.host, port: bound.port });
}

function logFailure(logger: Logger, err: unknown, rpc: string): void {
  if (!(err instanceof LabError) || err.code === "internal") logger.error({ err, rpc }, "call failed by a defect");
  else logger.debug({ code: err.code, reason: err.message, rpc }, "call failed");
}
