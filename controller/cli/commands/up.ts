/** lab up: a controller and a site agent on this machine, until Ctrl-C. The same programs as in a large lab. */
import { loadLab } from "../../../inventory/load.js";
import { FailedError } from "../../../proto/base/errors.js";
import type { Context } from "../context.js";
import { LocalLab } from "../local/local-lab.js";

export interface UpOptions {
  readonly listen: string;
  readonly sim: boolean;
  readonly speedUp: number;
}

export async function up(context: Context, inventory: string, options: UpOptions): Promise<void> {
  const { terminal, directory, signal } = context;
  loadLab(inventory);
  const lab = await LocalLab.start(context, { inventory, ...options });
  try {
    terminal.print(`lab is up: controller at ${lab.address}, state in ${directory.path}; try: lab nodes`);
    const fallen = await Promise.race([lab.fallen, aborted(signal)]);
    if (fallen !== undefined) throw new FailedError(`${fallen}; its log is in ${directory.path}`);
    terminal.note("going down");
  } finally {
    await lab.close();
  }
}

export function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}
