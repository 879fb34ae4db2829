/** Every node of an inventory as a simulated machine, in one process. */
import { randomUUID } from "node:crypto";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Lab } from "../../inventory/model.js";
import type { Clock } from "../../proto/base/clock.js";
import { Lifecycle } from "../../proto/base/lifecycle.js";
import type { Logger } from "../../proto/base/logger.js";
import { listenForFaults } from "./fault-control.js";
import { setWarden } from "./linux/warding.js";
import { nodeParameters } from "./node-parameters.js";
import { type SimulatedNode, startNode } from "./simulated-node.js";
import { layKeys } from "./ssh/keys.js";
import { knownFaults } from "./systems.js";

export interface SimulatorOptions {
  readonly lab: Lab;
  /** Disks and records of the machines, a folder per node. Kept; the next simulation goes on with them. */
  readonly stateDirectory: string;
  /** Real-machine milliseconds per millisecond: 20 = twenty times as fast. */
  readonly speedUp: number;
  /** The agent's bundle on the host; undefined = machines without agent. */
  readonly agentProgram: string | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface Simulator {
  readonly nodes: readonly SimulatedNode[];
  /** Pulls every plug: no process, socket or port is left. Idempotent. */
  close(): Promise<void>;
}

/** Starts every machine and BMC; resolves when all BMCs are bound. Throws InvalidInventoryError, UnreachableError. */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const { lab, stateDirectory, speedUp, agentProgram, clock, log } = options;
  const parameters = nodeParameters(lab.nodes, knownFaults);
  const lifecycle = new Lifecycle();
  const mark = randomUUID();
  // Not below the state directory: its path may be longer than a socket's may be.
  const socketDirectory = await mkdtemp(join(tmpdir(), "labd-sim-"));
  const warding = setWarden(mark, socketDirectory);
  lifecycle.onClose(() => warding.close());
  const around = {
    labName: lab.name,
    stateDirectory: resolve(stateDirectory),
    socketDirectory,
    speedUp,
    agentProgram: agentProgram === undefined ? undefined : resolve(agentProgram),
    mark,
    shared: new Map<string, unknown>(),
    clock,
    log,
  };
  const nodes: SimulatedNode[] = [];
  lifecycle.onClose(async () => void (await Promise.all(nodes.map((node) => node.close()))));
  try {
    // Before the machines are furnished: what a system lays beside these keys must not take their place.
    layKeys(lab, around.stateDirectory);
    for (const [index, each] of parameters.entries()) {
      const spec = lab.nodes[index];
      if (spec !== undefined) nodes.push(await startNode(spec, each, index, around));
    }
    const control = await listenForFaults(
      nodes.map(({ name, bmc }) => ({ name, faults: bmc?.faults })),
      around,
    );
    lifecycle.onClose(() => control.close());
  } catch (error) {
    await lifecycle.close();
    throw error;
  }
  return { nodes, close: () => lifecycle.close() };
}
