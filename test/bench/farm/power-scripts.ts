/** What is behind the BMCs' chassis control, changed between two measurements. All keep the state in DIRECTORY/power and log to DIRECTORY/calls. */
import { rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Workbench } from "../workbench.js";

export interface PowerScript {
  readonly name: "quick" | "slow" | "shell";
  readonly about: string;
  /** What every "set" takes besides its own work, in ms. */
  readonly sleepMs: number;
  /** Measured in the first run alone: what it shows is how often it ran, and tools spend minutes on it. Reading the state is as quick as ever. */
  readonly countsOnly: boolean;
}

/** `slow` is longer than any client waits before it sends again; `shell` is slow because it costs CPU, and 256 of them at once cost much. */
export const powerScripts: readonly PowerScript[] = [
  { name: "quick", about: "compiled program", sleepMs: 0, countsOnly: false },
  { name: "slow", about: "compiled program that takes 1.5 s to switch", sleepMs: 1500, countsOnly: true },
  { name: "shell", about: "shell script", sleepMs: 0, countsOnly: false },
];

const shellScript = `#!/bin/sh
cd "$1"
echo "$(date +%s%N) $2 $3 $4" >> calls
case "$2 $3" in
"get power") echo "power:$(cat power)" ;;
"get boot") echo boot:default ;;
"set power") echo "$4" > power ;;
esac
`;

/** The name all BMCs of a farm call, in the farm's directory. */
export function powerProgramIn(directory: string): string {
  return join(directory, "power-program");
}

export async function usePowerScript(bench: Workbench, directory: string, script: PowerScript): Promise<void> {
  const shell = join(directory, "power-script");
  await writeFile(shell, shellScript, { mode: 0o755 });
  await writeFile(join(directory, "sleep-ms"), `${script.sleepMs}\n`);
  const next = join(directory, "next-power-program");
  await symlink(script.name === "shell" ? shell : await bench.program("farm/power-program"), next);
  await rename(next, powerProgramIn(directory));
}
