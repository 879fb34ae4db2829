/** lab sim: every machine of an inventory, simulated, for a controller that runs already. */
import { mkdir } from "node:fs/promises";
import { loadLab } from "../../../inventory/load.js";
import { FailedError } from "../../../proto/base/errors.js";
import { type Context, withLab } from "../context.js";
import { Daemon } from "../local/daemon.js";
import { simulatorSpec } from "../local/daemon-specs.js";
import { aborted } from "./up.js";

export async function simulate(context: Context, inventory: string, options: { speedUp: number }): Promise<void> {
  const { terminal, directory, clock, signal } = context;
  const lab = loadLab(inventory);
  await mkdir(directory.simulation, { recursive: true });
  const spec = await withLab(context, (connection) => simulatorSpec(context, connection, lab, options.speedUp));
  const simulation = await Daemon.start(spec, clock, signal);
  try {
    terminal.print(`${lab.nodes.length} machines of ${lab.name} stand in ${directory.simulation}; power them with: lab power on NODESET`);
    const fallen = await Promise.race([simulation.ended, aborted(signal)]);
    if (fallen !== undefined) throw new FailedError(`lab sim ${fallen}`);
  } finally {
    await simulation.stop();
  }
}
