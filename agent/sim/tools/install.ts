/** Puts the stand-in tools where a simulated machine finds them: small shell scripts that start the one program they all are. */
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { installKernelPath } from "./install-kernel.js";
import { tools } from "./tools.js";

/** First on the PATH of a simulated machine's processes, below its root directory. */
export const standInDirectory = "/usr/local/bin";

export interface ToolsProgram {
  /** Path on the host of the Node binary. */
  readonly node: string;
  /** Path on the host of this folder's compiled main.js, or a bundle of it. */
  readonly program: string;
}

/** Writes a launcher per tool, and /sbin/installkernel as CentOS has it. Overwrites those of an earlier start. */
export async function installTools(rootDirectory: string, { node, program }: ToolsProgram): Promise<void> {
  for (const name of Object.keys(tools)) {
    const path = name === "installkernel" ? installKernelPath : `${standInDirectory}/${name}`;
    const file = join(rootDirectory, path);
    await mkdir(join(file, ".."), { recursive: true });
    await writeFile(file, `#!/bin/sh\nexec ${quoted(node)} ${quoted(program)} ${name} "$@"\n`);
    await chmod(file, 0o755);
  }
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
