/** What a LegoOS lab's machines have on their disks beyond a plain installation: stand-in tools, the tree, headers, programs. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { defaultTreePath, seedLegoTree, seedStorageHost } from "./lego/tree.js";
import { installTools } from "./tools/install.js";

const toolsProgram = fileURLToPath(new URL("./tools/main.js", import.meta.url));

/** Lays all of it into a root directory. The tools are those of this program; a tree that is there stays as it was left. */
export async function furnish(rootDirectory: string, linuxRelease: string): Promise<void> {
  await installTools(rootDirectory, { node: process.execPath, program: toolsProgram });
  if (existsSync(join(rootDirectory, defaultTreePath))) return;
  await seedStorageHost(rootDirectory, linuxRelease);
  await seedLegoTree(rootDirectory);
}

/** Lays files into a root directory, by absolute path; what is there already stays. */
export function placeFiles(rootDirectory: string, files: Readonly<Record<string, string>>): void {
  for (const [path, contents] of Object.entries(files)) {
    // "//../x" joins to a path below the root too.
    const target = join(rootDirectory, join("/", path));
    if (existsSync(target)) continue;
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, contents);
  }
}
