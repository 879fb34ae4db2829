/** lab sim: every machine of an inventory, simulated, for a controller that runs already. */
import { mkdir } from "node:fs/promises";
import { loadLab } from "../../../inventory/load.js";
import { FailedError } from "../../../proto/base/errors.js";
import type { Context } from "../context.js";
import { Simulation } from "../local/simulation.js";
import { aborted } from "./up.js";

export async function simulate(context: Context, inventory: string, options: { speedUp: number }): Promise<void> {
  const { terminal, directory, signal } = context;
  const lab = loadLab(inventory);
  await mkdir(directory.simulation, { recursive: true });
  const simulation = await Simulation.start(context, lab, options);
  try {
    terminal.print(`${lab.nodes.length} machines of ${lab.name} stand in ${directory.simulation}; power them with: lab power on NODESET`);
    const fallen = await Promise.race([simulation.ended, aborted(signal)]);
    if (fallen !== undefined) throw new FailedError(`lab sim ${fallen}`);
  } finally {
    await simulation.stop();
  }
}
