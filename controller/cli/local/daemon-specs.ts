/** How each daemon of a local lab is started. They find each other as on many machines: TLS, join tokens, one port. */
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Lab } from "../../../inventory/model.js";
import type { Connection } from "../connection.js";
import type { Context } from "../context.js";
import type { LabDirectory } from "../lab-directory.js";
import type { DaemonSpec } from "./daemon.js";
import { programs } from "./programs.js";

const readyWithinMs = 30_000;

/** Few agents dial the controller of a local lab: they need not spread out when it was restarted. */
const reconnectMs = 1_000;

/** `listen`: HOST:PORT; port 0 = any free one. */
export function controllerSpec(directory: LabDirectory, options: { inventory: string; listen: string }): DaemonSpec {
  const { inventory, listen } = options;
  return {
    name: "lab-controller",
    program: programs.controller,
    args: [...flags({ inventory, state: directory.controllerState, listen, "agent-return-ms": 3 * reconnectMs }), "--exit-with-stdin"],
    logFile: join(directory.path, "log", "lab-controller.log"),
    ready: /^lab-controller listens on /,
    readyWithinMs,
  };
}

/** Makes a join token unless the agent has its certificate already. `sim`: the machines it looks after are simulated. */
export async function siteAgentSpec(context: Context, connection: Connection, name: string, sim: boolean): Promise<DaemonSpec> {
  const { directory } = context;
  const state = directory.agentState(name);
  const token = await joinToken(context, connection, name, state);
  return {
    name: `lab-agent ${name}`,
    program: programs.agent,
    args: [
      ...flags({ name, controller: connection.address, state, "reconnect-ms": reconnectMs }),
      // Simulated power supplies need no rest between off and on.
      ...(sim ? flags({ "power-settle-ms": 250, "power-poll-ms": 100 }) : []),
      "--exit-with-stdin",
    ],
    // Not as a flag: everybody on a machine can read those.
    env: { ...process.env, ...(token === undefined ? {} : { LABD_JOIN_TOKEN: token }) },
    logFile: join(directory.path, "log", `lab-agent-${name}.log`),
    ready: /^lab-agent /,
    readyWithinMs,
  };
}

/**
 * Simulated machines of `lab`, on unless their inventory says `power: off`; their agents are admitted as those of real ones
 * would be: by a join token on disk. `speedUp`: how many times faster than iron they run.
 */
export async function simulatorSpec(context: Context, connection: Connection, lab: Lab, speedUp: number): Promise<DaemonSpec> {
  const { directory } = context;
  for (const { name } of lab.nodes.filter((each) => each.agent)) await installNodeAgent(context, connection, name);
  return {
    name: "lab sim",
    program: programs.simulator,
    args: [
      ...flags({ inventory: lab.file, state: directory.simulation, "speed-up": speedUp, agent: programs.agentBundle }),
      "--exit-with-stdin",
    ],
    logFile: join(directory.path, "log", "lab-sim.log"),
    ready: /ready/,
    readyWithinMs,
  };
}

function flags(options: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
}

/** What an operator would have put on a real node: the agent's configuration, with a token while it has no certificate. */
async function installNodeAgent(context: Context, connection: Connection, name: string): Promise<void> {
  const root = join(context.directory.simulation, name, "root");
  const state = join(root, "var/lib/labd");
  const token = await joinToken(context, connection, name, state);
  const controller = connection.address;
  const settings = { name, node: true, controller, root, state, reconnectMs, ...(token === undefined ? {} : { joinToken: token }) };
  const file = join(root, "etc/labd/agent.json");
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(settings, null, 2)}\n`, { mode: 0o600 });
}

/** Undefined when the agent with this state directory has been admitted already. */
async function joinToken(context: Context, { enrollment }: Connection, name: string, state: string): Promise<string | undefined> {
  if (existsSync(join(state, "identity", "cert.pem"))) return undefined;
  return (await enrollment.createToken({ kind: "agent", name, ttlMs: 0n }, { signal: context.signal })).token;
}
