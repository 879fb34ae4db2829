/** One simulated machine with a GPU, and the phos recipe on it. */
import type { Test } from "tap";
import type { PhosFault } from "../../../agent/sim/phos/faults.js";
import { SimulatedLab } from "../simulated-lab/lab.js";

export interface PhosLabOptions {
  readonly faults?: readonly PhosFault[];
  /** `with:` of the deployment, beyond what a simulation needs: disks of the host are what they are, and nothing takes long. */
  readonly with?: Readonly<Record<string, unknown>>;
  readonly memory?: string;
}

export function startPhosLab(t: Test, { faults = [], with: more = {}, memory = "64G" }: PhosLabOptions = {}): Promise<SimulatedLab> {
  const parameters = { diskGiB: 1, dumpWithinS: 60, restoreWithinS: 60, ...more };
  return SimulatedLab.start(
    t,
    `
lab: bench
agents: { site: { site: true } }
nodes:
  gpu0: { sim: { system: phos, post: 1, memory: ${memory}, faults: ${JSON.stringify(faults)} } }
deployments:
  phos:
    recipe: phos
    roles: { gpu: gpu0 }
    with: ${JSON.stringify(parameters)}
`,
  );
}
