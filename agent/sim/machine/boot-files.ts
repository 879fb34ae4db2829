/** A simulated disk as the boot loader reads it: files below one directory of the host, symbolic links not followed out of it. */
import { existsSync, readFileSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { join, normalize, sep } from "node:path";
import type { BootFiles } from "./grub-shell.js";

export function directoryBootFiles(rootDirectory: string): BootFiles {
  const root = realpathSync(rootDirectory);
  const locate = (path: string): string | undefined => {
    const host = join(root, normalize(`/${path}`));
    if (!existsSync(host) || !statSync(host).isFile()) return undefined;
    const real = realpathSync(host);
    return real.startsWith(root + sep) ? real : undefined;
  };
  return {
    read(path) {
      const host = locate(path);
      return host === undefined ? undefined : readFileSync(host);
    },
    write(path, contents) {
      const host = locate(path);
      // In place, as a boot loader does that knows blocks and no file system: owner, mode and inode stay.
      if (host !== undefined) writeFileSync(host, contents, { flag: "r+" });
    },
  };
}
