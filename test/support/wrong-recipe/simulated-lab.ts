/** Three simulated machines and the deployment engine in one process: recipes run on them as they would on iron, only faster. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Test } from "tap";
import { type Simulator, startSimulator } from "../../../agent/sim/simulator.js";
import type { Recipe } from "../../../controller/deploy/recipe.js";
import { RunRegistry } from "../../../controller/deploy/runs.js";
import type { RunState } from "../../../controller/deploy/run-state.js";
import type { Nodes } from "../../../controller/ports.js";
import type { Lab } from "../../../inventory/model.js";
import { systemClock } from "../../../proto/base/clock.js";
import { silentLogger } from "../../../proto/base/logger.js";
import { labOf } from "../agent/agent-lab.js";
import { MemoryLeases } from "../agent/memory-leases.js";
import { MemoryJournal } from "../deploy/memory-journal.js";
import { scratchDirectory } from "../host/scratch.js";
import { SimulatedNodeHandle } from "./simulated-node.js";

const yaml = `
lab: bench
agents: { site: { site: true } }
defaults:
  console: { file: /dev/null, line: ttyS1, via: site }
nodes:
  p0: { power: { command: [plug] }, sim: { lid: 42, post: 3 } }
  m0: { power: { command: [plug] }, sim: { lid: 23, post: 3 } }
  s0: { sim: { lid: 8, post: 3, linux: 3.11.1 } }
deployments:
  pair:
    recipe: lego
    roles: { processor: p0, memory: m0 }
  triple:
    recipe: lego
    roles: { processor: p0, memory: m0, storage: s0 }
`;

/** How many times faster than iron. The twenty seconds a peer may be late stay long enough for a busy host. */
const speedUp = 50;

export class SimulatedLab {
  readonly leases = new MemoryLeases(systemClock);
  readonly #lab: Lab;
  readonly #simulator: Simulator;
  readonly #nodes: ReadonlyMap<string, SimulatedNodeHandle>;

  private constructor(lab: Lab, simulator: Simulator, nodes: readonly SimulatedNodeHandle[]) {
    this.#lab = lab;
    this.#simulator = simulator;
    this.#nodes = new Map(nodes.map((node) => [node.name, node]));
  }

  /** Everything is gone when the test ends. */
  static async start(t: Test): Promise<SimulatedLab> {
    const directory = await scratchDirectory(t);
    const [lab, machines, consoles] = [labOf(yaml), join(directory, "machines"), join(directory, "consoles")];
    await mkdir(machines);
    const simulator = await startSimulator({
      lab,
      stateDirectory: machines,
      speedUp,
      agentProgram: undefined,
      clock: systemClock,
      log: silentLogger,
    });
    const nodes = simulator.nodes.map((node) => new SimulatedNodeHandle(node, consoles));
    const bench = new SimulatedLab(lab, simulator, nodes);
    t.teardown(() => bench.#close());
    await Promise.all(nodes.map((node) => node.linuxUp()));
    return bench;
  }

  /** Runs the recipe on machines that are in Linux, to its end. */
  async deploy(deployment: "pair" | "triple", recipe: Recipe): Promise<RunState> {
    await this.#backInLinux();
    const nodes: Nodes = { node: (name) => this.#node(name) };
    const runs = new RunRegistry(
      {
        lab: () => this.#lab,
        recipes: new Map([[recipe.name, recipe]]),
        journal: new MemoryJournal(),
        nodes,
        leases: this.leases,
        clock: systemClock,
        agentsBackAtMs: 0,
        logger: silentLogger,
      },
      [],
    );
    const { id } = await runs.start({ deployment, direction: "deploy", parameters: {} }, "ada");
    for await (const _ of runs.watch(id, 1));
    return runs.get(id);
  }

  /** Modules cannot be unloaded, and LegoOS cannot shut down: power is cut where something is left of the run before. */
  async #backInLinux(): Promise<void> {
    const back = async (node: SimulatedNodeHandle) => {
      const isUsed = !node.agentConnected || (await node.facts()).modules.some((module) => /fit|storage/.test(module));
      if (isUsed) await node.cycle();
      await node.linuxUp();
    };
    await Promise.all([...this.#nodes.values()].map(back));
  }

  #node(name: string): SimulatedNodeHandle {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new Error(`node ${name}: not in this lab`);
    return node;
  }

  async #close(): Promise<void> {
    for (const node of this.#nodes.values()) node.close();
    await this.#simulator.close();
  }
}
