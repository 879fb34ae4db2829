/**
 * A whole lab on this machine: controller, its site agents and, with `sim`, the simulated machines. Each is the program a large lab
 * runs, as a process of its own; they find each other as they would there: TLS, join tokens, one port.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { loadLab } from "../../../inventory/load.js";
import { FailedError } from "../../../proto/base/errors.js";
import { Lifecycle } from "../../../proto/base/lifecycle.js";
import { readEndpoint } from "../connection.js";
import { type Context, withLab } from "../context.js";
import type { LabDirectory } from "../lab-directory.js";
import { Daemon, type DaemonSpec } from "./daemon.js";
import { programs } from "./programs.js";
import { Simulation } from "./simulation.js";

export interface LocalLabOptions {
  readonly inventory: string;
  /** HOST:PORT for the controller; port 0 = any free one. */
  readonly listen: string;
  readonly sim: boolean;
  /** How many times faster than iron simulated machines run. */
  readonly speedUp: number;
}

const readyWithinMs = 30_000;

export class LocalLab {
  readonly address: string;
  /** Resolves with who fell and how, should a daemon end by itself. */
  readonly fallen: Promise<string>;
  readonly #lifecycle: Lifecycle;

  private constructor(address: string, daemons: readonly Daemon[], lifecycle: Lifecycle) {
    this.address = address;
    this.#lifecycle = lifecycle;
    this.fallen = Promise.race(daemons.map((daemon) => daemon.ended.then((how) => `${daemon.name} ${how}`)));
  }

  /** Starts everything or nothing. */
  static async start(context: Context, options: LocalLabOptions): Promise<LocalLab> {
    const { directory } = context;
    const lab = loadLab(options.inventory);
    const lifecycle = new Lifecycle();
    const daemons: Daemon[] = [];
    const keep = (daemon: Daemon) => {
      lifecycle.onClose(() => daemon.stop());
      daemons.push(daemon);
    };
    try {
      keep(await Daemon.start(controllerSpec(directory, options), context.clock, context.signal));
      const endpoint = await readEndpoint(directory.client().endpointFile);
      if (endpoint === undefined) throw new FailedError(`lab-controller is ready but left no ${directory.client().endpointFile}`);
      for (const { name } of lab.agents.filter((each) => each.site)) {
        const spec = siteAgentSpec(directory, name, endpoint.address, { sim: options.sim, token: await freshToken(context, name) });
        keep(await Daemon.start(spec, context.clock, context.signal));
      }
      if (options.sim) keep(await Simulation.start(context, lab, options));
      return new LocalLab(endpoint.address, daemons, lifecycle);
    } catch (error) {
      await lifecycle.close();
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#lifecycle.close();
  }
}

function controllerSpec(directory: LabDirectory, options: LocalLabOptions): DaemonSpec {
  return {
    name: "lab-controller",
    program: programs.controller,
    args: ["--inventory", options.inventory, "--state", directory.controllerState, "--listen", options.listen, "--exit-with-stdin"],
    logFile: join(directory.path, "log", "lab-controller.log"),
    ready: /^lab-controller listens on /,
    readyWithinMs,
  };
}

function siteAgentSpec(
  directory: LabDirectory,
  name: string,
  address: string,
  { sim, token }: { sim: boolean; token: string | undefined },
): DaemonSpec {
  // Simulated power supplies need no rest between off and on.
  const haste = sim ? ["--power-settle-ms", "250", "--power-poll-ms", "100"] : [];
  return {
    name: `lab-agent ${name}`,
    program: programs.agent,
    args: ["--name", name, "--controller", address, "--state", directory.agentState(name), "--exit-with-stdin", ...haste],
    // Not as a flag: everybody on a machine can read those.
    env: { ...process.env, ...(token === undefined ? {} : { LABD_JOIN_TOKEN: token }) },
    logFile: join(directory.path, "log", `lab-agent-${name}.log`),
    ready: /^lab-agent /,
    readyWithinMs,
  };
}

/** A join token, unless the agent has its certificate. */
async function freshToken(context: Context, name: string): Promise<string | undefined> {
  if (existsSync(join(context.directory.agentState(name), "identity", "cert.pem"))) return undefined;
  const request = { kind: "agent", name, ttlMs: 0n };
  return withLab(context, async (lab) => (await lab.enrollment.createToken(request, { signal: context.signal })).token);
}
