/** One simulated machine with a GPU, and the phos recipe on it, whose faults a test changes as it goes. */
import type { Test } from "tap";
import type { PhosFault } from "../../../agent/sim/phos/faults.js";
import { toolsOf } from "../../../agent/sim/systems.js";
import { faultsVariable } from "../../../agent/sim/tools/surroundings.js";
import type { Tool } from "../../../agent/sim/tools/tool.js";
import type { Recipe } from "../../../controller/deploy/recipe.js";
import type { RunRequest } from "../../../controller/deploy/runs.js";
import type { RunState } from "../../../controller/deploy/run-state.js";
import type { CommandResult } from "../../../controller/ports.js";
import { phos } from "../../../controller/recipes/phos/phos.js";
import { SimulatedLab } from "../simulated-lab/lab.js";

export interface PhosBenchOptions {
  /** What is so from the beginning, on the disk as well. */
  readonly faults?: readonly PhosFault[];
  /** `with:` of the deployment, beyond what a simulation needs: disks of the host are what they are, and nothing takes long. */
  readonly with?: Readonly<Record<string, unknown>>;
}

export class PhosBench {
  readonly lab: SimulatedLab;
  readonly #faults: Set<PhosFault>;
  #commands = 0;

  private constructor(lab: SimulatedLab, faults: Set<PhosFault>) {
    this.lab = lab;
    this.#faults = faults;
  }

  static async start(t: Test, { faults = [], with: more = {} }: PhosBenchOptions = {}): Promise<PhosBench> {
    const parameters = { diskGiB: 1, dumpWithinS: 60, restoreWithinS: 60, ...more };
    const current = new Set(faults);
    const inventory = `
lab: bench
agents: { site: { site: true } }
nodes:
  gpu0: { sim: { system: phos, post: 1, faults: ${JSON.stringify(faults)} } }
deployments:
  phos:
    recipe: phos
    roles: { gpu: gpu0 }
    with: ${JSON.stringify(parameters)}
`;
    return new PhosBench(await SimulatedLab.start(t, inventory, { tools: misbehaving(current) }), current);
  }

  /** From now on the machine has these faults and no others. */
  break(...faults: readonly PhosFault[]): void {
    this.#faults.clear();
    for (const fault of faults) this.#faults.add(fault);
  }

  deploy(recipe: Recipe = phos as Recipe, parameters: RunRequest["parameters"] = {}): Promise<RunState> {
    return this.lab.run({ deployment: "phos", direction: "deploy", parameters }, recipe);
  }

  undeploy(recipe: Recipe = phos as Recipe): Promise<RunState> {
    return this.lab.run({ deployment: "phos", direction: "undeploy" }, recipe);
  }

  exercise(request: NonNullable<RunRequest["request"]> = {}, recipe: Recipe = phos as Recipe): Promise<RunState> {
    return this.lab.run({ deployment: "phos", direction: "run", exercise: "run", request }, recipe);
  }

  /** A command on the machine. */
  command(...argv: readonly string[]): Promise<CommandResult> {
    return this.input("", ...argv);
  }

  /** As command, with something on its standard input. */
  async input(stdin: string, ...argv: readonly string[]): Promise<CommandResult> {
    const jobId = `test-${(this.#commands += 1)}`;
    const request = { jobId, argv, cwd: "", env: {}, timeoutMs: 30_000, stdin: new TextEncoder().encode(stdin) };
    return this.lab.node("gpu0").run(request, { fence: { leaseId: "test", epoch: 1n } });
  }
}

/** The machine's tools, with the faults it has at that moment. */
function misbehaving(faults: ReadonlySet<string>): Readonly<Record<string, Tool>> {
  const wrap =
    (tool: Tool): Tool =>
    (call) =>
      tool({ ...call, env: { ...call.env, [faultsVariable]: [...faults].join(",") } });
  return Object.fromEntries(Object.entries(toolsOf("phos")).map(([name, tool]) => [name, wrap(tool)]));
}
