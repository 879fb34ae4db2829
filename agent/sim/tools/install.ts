/** Puts the stand-in tools where a simulated machine finds them: small shell scripts that start the one program they all are. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { systems, toolsOf, type SystemName } from "../systems.js";

/** First on the PATH of a simulated machine's processes, below its root directory. */
export const standInDirectory = "/usr/local/bin";

const program = fileURLToPath(new URL("./main.js", import.meta.url));

/** Writes a launcher for every tool of the system. Overwrites those of an earlier start. */
export function installTools(rootDirectory: string, system: SystemName): void {
  const { toolPaths = {} } = systems[system];
  for (const name of Object.keys(toolsOf(system))) {
    const path = toolPaths[name] ?? `${standInDirectory}/${name}`;
    if (path !== "") installLauncher(rootDirectory, path, system, name);
  }
}

/** One launcher at an absolute path of the machine; for scripts that a stand-in lays down, too. */
export function installLauncher(rootDirectory: string, path: string, system: SystemName, tool: string): void {
  const file = join(rootDirectory, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\nexec ${quoted(process.execPath)} ${quoted(program)} ${system} ${tool} "$@"\n`);
  chmodSync(file, 0o755);
}

/** The tool a launcher starts; undefined when the text is none. */
export function launchedTool(text: string | undefined): string | undefined {
  return /^#!\/bin\/sh\nexec '.*' '.*' [\w-]+ ([\w.+-]+) "\$@"\n$/.exec(text ?? "")?.[1];
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
