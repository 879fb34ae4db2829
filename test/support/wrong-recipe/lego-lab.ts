/** Three machines with LegoOS's tree, for deploy after deploy. */
import type { Test } from "tap";
import type { ToolCall } from "../../../agent/sim/tools/tool.js";
import type { Recipe } from "../../../controller/deploy/recipe.js";
import type { RunState } from "../../../controller/deploy/run-state.js";
import { SimulatedLab } from "../simulated-lab/lab.js";
import type { SimulatedNodeHandle } from "../simulated-lab/node.js";

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

/** A host's own program: the serial device of a simulated machine is no terminal. */
const stty = (call: ToolCall) => {
  call.err("stty: standard input: Inappropriate ioctl for device\n");
  return 1;
};

export class LegoLab {
  readonly lab: SimulatedLab;

  private constructor(lab: SimulatedLab) {
    this.lab = lab;
  }

  /** Everything is gone when the test ends. The twenty seconds a peer may be late stay long enough for a busy host. */
  static async start(t: Test): Promise<LegoLab> {
    return new LegoLab(await SimulatedLab.start(t, yaml, { speedUp: 50, workSpeedUp: 50, tools: { stty } }));
  }

  /** Runs the recipe on machines that are in Linux, to its end. */
  async deploy(deployment: "pair" | "triple", recipe: Recipe): Promise<RunState> {
    await this.#backInLinux();
    return this.lab.run({ deployment, direction: "deploy" }, recipe);
  }

  /** Modules cannot be unloaded, and LegoOS cannot shut down: power is cut where something is left of the run before. */
  async #backInLinux(): Promise<void> {
    const back = async (node: SimulatedNodeHandle) => {
      const isUsed = !node.agentConnected || (await node.facts()).modules.some((module) => /fit|storage/.test(module));
      if (isUsed) await node.cycle();
      await node.linuxUp();
    };
    await Promise.all([...this.lab.nodes.values()].map(back));
  }
}
