/** Puts the stand-in tools where a simulated machine finds them. */
import { systems, toolsOf, type SystemName } from "../systems.js";
import { installLauncher } from "./launcher.js";

/** First on the PATH of a simulated machine's processes, below its root directory. */
export const standInDirectory = "/usr/local/bin";

/** Writes a launcher for every tool of the system. Overwrites those of an earlier start. */
export function installTools(rootDirectory: string, system: SystemName): void {
  const { toolPaths = {} } = systems[system];
  for (const name of Object.keys(toolsOf(system))) {
    const path = toolPaths[name] ?? `${standInDirectory}/${name}`;
    if (path !== "") installLauncher(rootDirectory, path, system, name);
  }
}
