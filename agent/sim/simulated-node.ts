/** One node of a simulated lab: a disk, a machine, its BMC, the socket of its tools, a record of its power and its serial line. */
import { createHash } from "node:crypto";
import { appendFileSync, createWriteStream, mkdirSync } from "node:fs";
import { join } from "node:path";
import { readSecret } from "../../inventory/credentials.js";
import type { BmcSpec, NodeSpec, SshSpec } from "../../inventory/model.js";
import type { Clock } from "../../proto/base/clock.js";
import { Lifecycle } from "../../proto/base/lifecycle.js";
import type { Logger } from "../../proto/base/logger.js";
import type { ChassisVerb } from "./bmc/chassis-commands.js";
import { type BmcServer, serveBmc } from "./bmc/bmc-server.js";
import { furnish } from "./furnish.js";
import { linuxKernel } from "./linux/linux.js";
import { seedLinuxRoot } from "./linux/seed-root.js";
import { Machine } from "./machine/machine.js";
import { announce, hasLinuxUp } from "./machine/neighbours.js";
import { listenForTools } from "./machine/machine-socket.js";
import { machineTime } from "./machine/machine-time.js";
import { SerialPort } from "./machine/serial-port.js";
import type { NodeParameters } from "./node-parameters.js";
import { startRedfish } from "./node-redfish.js";
import type { RedfishServer } from "./redfish/redfish-server.js";
import { hostKey } from "./ssh/keys.js";
import { systems } from "./systems.js";
import { faultsVariable, speedUpVariable } from "./tools/surroundings.js";

/** What all nodes of a simulation have in common. */
export interface Surroundings {
  readonly labName: string;
  readonly stateDirectory: string;
  /** Short: unix sockets live in it. */
  readonly socketDirectory: string;
  /** Real-machine milliseconds per millisecond. */
  readonly speedUp: number;
  /** The agent's bundle; undefined = no agents. */
  readonly agentProgram: string | undefined;
  /** Begins the mark of every process of the simulation. */
  readonly mark: string;
  readonly shared: Map<string, unknown>;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface SimulatedNode {
  readonly name: string;
  readonly machine: Machine;
  /** Undefined when the inventory gives it none. */
  readonly bmc: BmcServer | undefined;
  /** Undefined when the inventory does not switch it by Redfish. */
  readonly redfish: RedfishServer | undefined;
  /** Its "/", on the host. */
  readonly rootDirectory: string;
  /** Where its stand-in tools ask the running kernel. */
  readonly socketPath: string;
  /** Every byte its console line sent since the first start. */
  readonly serialLog: string;
  close(): Promise<void>;
}

const firstLid = 10;
const consoleLines = ["ttyS0", "ttyS1"];
const chassisDelays = { onMs: 2_000, offMs: 2_000, cycleMs: 5_000 };

/** Makes a node and starts it. `index`: its place in the inventory. Throws InvalidInventoryError, UnreachableError. */
export async function startNode(spec: NodeSpec, parameters: NodeParameters, index: number, around: Surroundings): Promise<SimulatedNode> {
  const directory = join(around.stateDirectory, spec.name);
  const rootDirectory = join(directory, "root");
  const socketPath = join(around.socketDirectory, String(index));
  const baudRate = spec.console?.baudRate ?? 115200;
  // A board's line has a name of its own kind (ttyAMA0); here it comes out where that of a server does.
  const consoleLine = consoleLines.find((line) => line === spec.console?.line) ?? "ttyS1";
  mkdirSync(rootDirectory, { recursive: true });
  const { distribution, linux: release } = parameters;
  await seedLinuxRoot(rootDirectory, { distribution, node: spec.name, release, consoleLine, baudRate });
  await furnish(rootDirectory, { spec, parameters });
  const ssh = spec.ssh && { ...spec.ssh, hostKey: hostKey(directory).private };
  const machine = makeMachine({
    name: spec.name,
    arch: spec.arch,
    ssh,
    index,
    parameters,
    directory,
    rootDirectory,
    socketPath,
    consoleLine,
    around,
  });
  announce(around.shared, {
    node: spec.name,
    address: spec.ssh?.address ?? spec.address,
    sshPort: spec.ssh?.port ?? 22,
    users: [spec.ssh?.user ?? "root"],
    rootDirectory,
    faults: parameters.faults,
    isUp: () => machine.on && hasLinuxUp(rootDirectory),
    ask: (request) => machine.onToolRequest(request),
  });
  const serial = machine.port(consoleLine) ?? new SerialPort();
  const serialLog = join(directory, `${consoleLine}.log`);

  const lifecycle = new Lifecycle();
  const close = () => lifecycle.close();
  try {
    lifecycle.onClose(recordSerial(serial, serialLog));
    lifecycle.onClose(() => machine.close());
    const tools = await listenForTools(socketPath, (request) => machine.onToolRequest(request));
    lifecycle.onClose(() => tools.close());
    const bmc = spec.bmc === undefined ? undefined : await startBmc(spec.bmc, { machine, serial, parameters, baudRate, directory, around });
    lifecycle.onClose(async () => bmc?.close());
    const redfish = await startRedfish(spec.power, { ...around, machine, directory, log: machine.options.log });
    lifecycle.onClose(async () => redfish?.close());
    if (parameters.power === "on") void machine.act("on");
    return { name: spec.name, machine, bmc, redfish, rootDirectory, socketPath, serialLog, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function makeMachine(node: {
  name: string;
  arch: string;
  ssh: SshSpec | undefined;
  index: number;
  parameters: NodeParameters;
  directory: string;
  rootDirectory: string;
  socketPath: string;
  consoleLine: string;
  around: Surroundings;
}): Machine {
  const { name, arch, ssh, index, parameters, directory, rootDirectory, socketPath, consoleLine, around } = node;
  const linux = linuxKernel({
    agentProgram: around.agentProgram,
    agentLogFile: join(directory, "agent.log"),
    socketPath,
    mark: `${around.mark}.${name}`,
    environment: { [faultsVariable]: parameters.faults.join(","), [speedUpVariable]: String(around.speedUp) },
    ssh,
    tools: systems[parameters.system].handlers,
  });
  return new Machine({
    node: name,
    rootDirectory,
    arch,
    processors: parameters.processors,
    memoryBytes: parameters.memory,
    infiniband: infinibandPort(parameters, index),
    consoleLine,
    timing: { postMs: parameters.post * 1000, ...chassisDelays },
    time: machineTime(around.clock, around.speedUp),
    kinds: [linux, ...systems[parameters.system].kinds],
    shared: around.shared,
    log: around.log.child({ node: name }),
  });
}

/** Appends what the line sends to a file. Returns the way to stop. */
function recordSerial(serial: SerialPort, path: string): () => Promise<void> {
  const record = createWriteStream(path, { flags: "a" });
  const unplug = serial.plugIn((data) => void record.write(data));
  return () => {
    unplug();
    return new Promise((resolve) => record.end(() => resolve()));
  };
}

function infinibandPort(parameters: NodeParameters, index: number): { lid: number; subnetManager: boolean } | undefined {
  if (!parameters.hca) return undefined;
  return { lid: parameters.lid ?? firstLid + index, subnetManager: parameters.subnetManager };
}

async function startBmc(
  spec: BmcSpec,
  node: {
    machine: Machine;
    serial: SerialPort;
    parameters: NodeParameters;
    baudRate: number;
    directory: string;
    around: Surroundings;
  },
): Promise<BmcServer> {
  const { machine, serial, parameters, baudRate, directory, around } = node;
  const name = machine.options.node;
  const secret = (reference: BmcSpec["password"]) => (reference === undefined ? undefined : readSecret(reference, `nodes.${name}.bmc`));
  const powerLog = join(directory, "power.log");
  const execute = (verb: ChassisVerb) => {
    appendFileSync(powerLog, `${JSON.stringify({ time: new Date(around.clock.now()).toISOString(), verb })}\n`);
    if (verb === "interrupt") machine.interrupt();
    else void machine.act(verb);
  };
  const server = await serveBmc(
    { address: spec.address, port: spec.port },
    {
      user: spec.user,
      password: secret(spec.password) ?? "",
      kg: secret(spec.kg),
      suites: parameters.cipherSuites,
      sessionSlots: parameters.sessionSlots,
      guid: createHash("sha256").update(`${around.labName}\0${name}`).digest().subarray(0, 16),
      baudRate,
      chassis: {
        get on() {
          return machine.on;
        },
        execute,
        watch: (watcher) => machine.watch(watcher),
      },
      serial,
      faults: parameters.bmcFaults,
      faultSeed: name,
      clock: around.clock,
      log: around.log.child({ node: name }),
    },
  );
  machine.bootDevice = () => server.takeBootDevice();
  return server;
}
