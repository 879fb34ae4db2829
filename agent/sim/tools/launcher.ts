/** Launchers: small shell scripts by which a machine's processes start the one program that all stand-in tools are. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** All of them in one file, which is half the start-up time of a command. */
const program = fileURLToPath(new URL("./main.cjs", import.meta.url));

/** One launcher at an absolute path of the machine; for scripts that a stand-in lays down, too. */
export function installLauncher(rootDirectory: string, path: string, system: string, tool: string): void {
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
