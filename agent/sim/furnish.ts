/** What a machine's disk has beyond a plain installation. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { NodeSpec } from "../../inventory/model.js";
import type { NodeParameters } from "./node-parameters.js";
import { systems } from "./systems.js";
import { installTools } from "./tools/install.js";

/** Lays stand-in tools, what the system needs, and the files somebody put there into a root directory. */
export async function furnish(rootDirectory: string, machine: { spec: NodeSpec; parameters: NodeParameters }): Promise<void> {
  const { system, files } = machine.parameters;
  installTools(rootDirectory, system);
  await systems[system].furnish(rootDirectory, machine);
  placeFiles(rootDirectory, files);
}

/** Lays files into a root directory, by absolute path; what is there already stays. */
function placeFiles(rootDirectory: string, files: Readonly<Record<string, string>>): void {
  for (const [path, contents] of Object.entries(files)) {
    // "//../x" joins to a path below the root too.
    const target = join(rootDirectory, join("/", path));
    if (existsSync(target)) continue;
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, contents);
  }
}
