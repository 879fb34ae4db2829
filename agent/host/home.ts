/** The home directory of whoever runs this process, as the machine it stands for names it. */
import { homedir } from "node:os";
import type { RootDirectory } from "./root-directory.js";

/** A home below a root directory that is not "/" is told without that: "/root". */
export function homeBelow(root: RootDirectory, home = homedir()): string {
  return root.path !== "/" && home.startsWith(`${root.path}/`) ? home.slice(root.path.length) : home;
}
