/** Simulated machines and the deployment engine in one process: recipes run on them as they would on iron, only faster. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Test } from "tap";
import { nodeParameters } from "../../../agent/sim/node-parameters.js";
import { type Simulator, startSimulator } from "../../../agent/sim/simulator.js";
import { knownFaults } from "../../../agent/sim/systems.js";
import type { Tool } from "../../../agent/sim/tools/tool.js";
import type { Recipe } from "../../../controller/deploy/recipe.js";
import { RunRegistry, type RunRequest } from "../../../controller/deploy/runs.js";
import type { RunState } from "../../../controller/deploy/run-state.js";
import type { Nodes } from "../../../controller/ports.js";
import type { Lab, NodeSpec } from "../../../inventory/model.js";
import { systemClock } from "../../../proto/base/clock.js";
import { silentLogger } from "../../../proto/base/logger.js";
import { labOf } from "../agent/agent-lab.js";
import { MemoryLeases } from "../agent/memory-leases.js";
import { MemoryJournal } from "../deploy/memory-journal.js";
import { scratchDirectory } from "../host/scratch.js";
import { SimulatedNodeHandle, type SimulatedNodeOptions } from "./node.js";

export interface SimulatedLabOptions {
  /** How many times faster than iron the machines are; tools learn it as those of a simulation do. */
  readonly speedUp?: number;
  /** How much faster still commands that are waited for work; jobs that are started live in the engine's time. */
  readonly workSpeedUp?: number;
  /** Stand-in tools of every machine, beyond those of its system. */
  readonly tools?: Readonly<Record<string, Tool>>;
}

export class SimulatedLab {
  readonly lab: Lab;
  readonly leases = new MemoryLeases(systemClock);
  /** Of all runs: what one has put out, a later one of the same deployment knows. */
  readonly journal = new MemoryJournal();
  readonly nodes: ReadonlyMap<string, SimulatedNodeHandle>;
  readonly #simulator: Simulator;

  private constructor(lab: Lab, simulator: Simulator, nodes: ReadonlyMap<string, SimulatedNodeHandle>) {
    this.lab = lab;
    this.nodes = nodes;
    this.#simulator = simulator;
  }

  /** Machines of an inventory, by what their `sim:` sections say; those that are on are up in Linux. Everything is gone when the test ends. */
  static async start(
    t: Test,
    yaml: string,
    { speedUp = 50, workSpeedUp = 1, tools = {} }: SimulatedLabOptions = {},
  ): Promise<SimulatedLab> {
    const directory = await scratchDirectory(t);
    const [lab, machines, consoles] = [labOf(yaml), join(directory, "machines"), join(directory, "consoles")];
    await mkdir(machines);
    const options = { lab, stateDirectory: machines, speedUp, agentProgram: undefined, clock: systemClock, log: silentLogger };
    const simulator = await startSimulator(options);
    const bench = new SimulatedLab(lab, simulator, handles(lab, simulator, { directory: consoles, speedUp, workSpeedUp, tools }));
    t.teardown(() => bench.#close());
    await Promise.all([...bench.nodes.values()].map(async (node) => (isOn(lab, node.name) ? node.linuxUp() : undefined)));
    return bench;
  }

  /** Throws when the inventory has no such node. */
  node(name: string): SimulatedNodeHandle {
    const node = this.nodes.get(name);
    if (node === undefined) throw new Error(`node ${name}: not in this lab`);
    return node;
  }

  /** Runs the recipe to its end, on the machines as they are. */
  async run(request: Partial<RunRequest> & Pick<RunRequest, "deployment" | "direction">, recipe: Recipe): Promise<RunState> {
    const runs = await this.runs(recipe);
    const { id } = await runs.start({ parameters: {}, ...request }, "ada");
    for await (const _ of runs.watch(id, 1));
    return runs.get(id);
  }

  /** A controller's runs over these machines, for a test that cancels one or looks on. */
  async runs(recipe: Recipe): Promise<RunRegistry> {
    const nodes: Nodes = { node: (name) => this.node(name) };
    const options = {
      lab: () => this.lab,
      recipes: new Map([[recipe.name, recipe]]),
      journal: this.journal,
      nodes,
      leases: this.leases,
      clock: systemClock,
      agentsBackAtMs: 0,
      logger: silentLogger,
    };
    return new RunRegistry(options, await this.journal.runs());
  }

  async #close(): Promise<void> {
    for (const node of this.nodes.values()) node.close();
    await this.#simulator.close();
  }
}

function handles(
  lab: Lab,
  simulator: Simulator,
  options: Omit<SimulatedNodeOptions, "spec" | "parameters" | "via">,
): Map<string, SimulatedNodeHandle> {
  const all = nodeParameters(lab.nodes, knownFaults);
  const made = new Map<string, SimulatedNodeHandle>();
  const make = (spec: NodeSpec): SimulatedNodeHandle | undefined => {
    const index = lab.nodes.indexOf(spec);
    const [machine, parameters] = [simulator.nodes[index], all[index]];
    if (machine === undefined || parameters === undefined) return undefined;
    const gateway = lab.nodes.find((each) => each.name === spec.ssh?.via);
    const via = gateway && (made.get(gateway.name) ?? make(gateway));
    const handle = made.get(spec.name) ?? new SimulatedNodeHandle(machine, { ...options, spec, parameters, via });
    made.set(spec.name, handle);
    return handle;
  };
  for (const spec of lab.nodes) make(spec);
  return made;
}

function isOn(lab: Lab, name: string): boolean {
  return lab.nodes.find((node) => node.name === name)?.sim["power"] !== "off";
}
