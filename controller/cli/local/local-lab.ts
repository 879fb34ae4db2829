/**
 * A whole lab on this machine: controller, its site agents and, with `sim`, the simulated machines. Each is the program a large lab
 * runs, as a process of its own; they find each other as they would there: TLS, join tokens, one port.
 */
import { loadLab } from "../../../inventory/load.js";
import { type Context, withLab } from "../context.js";
import { Daemon, type DaemonSpec } from "./daemon.js";
import { controllerSpec, simulatorSpec, siteAgentSpec } from "./daemon-specs.js";

export interface LocalLabOptions {
  readonly inventory: string;
  /** HOST:PORT for the controller; port 0 = any free one. */
  readonly listen: string;
  readonly sim: boolean;
  /** How many times faster than iron simulated machines run. */
  readonly speedUp: number;
}

export class LocalLab {
  readonly address: string;
  /** Resolves with who fell and how, should a daemon end by itself. */
  readonly fallen: Promise<string>;
  readonly #daemons: readonly Daemon[];

  private constructor(address: string, daemons: readonly Daemon[]) {
    this.address = address;
    this.#daemons = daemons;
    this.fallen = Promise.race(daemons.map((daemon) => daemon.ended.then((how) => `${daemon.name} ${how}`)));
  }

  /** Starts everything or nothing. */
  static async start(context: Context, options: LocalLabOptions): Promise<LocalLab> {
    const { directory, clock, signal } = context;
    const { inventory, sim, speedUp } = options;
    const lab = loadLab(inventory);
    const daemons: Daemon[] = [];
    const start = async (spec: DaemonSpec) => void daemons.push(await Daemon.start(spec, clock, signal));
    try {
      await start(controllerSpec(directory, options));
      return await withLab(context, async (connection) => {
        for (const { name } of lab.agents.filter((each) => each.site)) await start(await siteAgentSpec(context, connection, name, sim));
        if (sim) await start(await simulatorSpec(context, connection, lab, speedUp));
        return new LocalLab(connection.address, daemons);
      });
    } catch (error) {
      await stopAll(daemons);
      throw error;
    }
  }

  /** Idempotent. */
  close(): Promise<void> {
    return stopAll(this.#daemons);
  }
}

/** In the order they were started: a site agent that lets go of its BMCs still finds them there. */
async function stopAll(daemons: readonly Daemon[]): Promise<void> {
  for (const daemon of daemons) await daemon.stop();
}
