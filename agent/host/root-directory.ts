/** The directory that is "/" for the machine this agent stands for: "/" on a real one, a directory on disk for a simulated one. */
import { lstat, readlink, realpath } from "node:fs/promises";
import { join, posix } from "node:path";
import { InvalidArgumentError, PermissionError } from "../../proto/base/errors.js";

/** As many links as Linux follows (path_resolution(7)). */
const maxLinks = 40;

export class RootDirectory {
  /** Absolute path of this process for the machine's "/". */
  readonly path: string;

  constructor(path: string) {
    this.path = posix.normalize(path).replace(/(?<=.)\/$/, "");
  }

  /** This process's path for a fixed path of the machine that holds no links, as those in /proc. */
  join(path: string): string {
    return join(this.path, path);
  }

  /**
   * This process's path for an absolute path of the machine. Links are followed as the machine would follow them (an absolute target
   * begins at its "/"), the last one only when `followLast` is not false: whoever replaces what a path names must not replace a link to
   * it (/boot/grub2/grubenv is one on EFI machines). Throws InvalidArgumentError for a path that is not absolute, PermissionError for
   * one that climbs above the root.
   */
  async resolve(path: string, options?: { followLast?: boolean }): Promise<string> {
    if (!path.startsWith("/") || path.includes("\0"))
      throw new InvalidArgumentError(`path ${JSON.stringify(path)}: must be absolute`, { facts: { path } });
    const followLast = options?.followLast ?? true;
    if (this.path !== "/") return join(this.path, ...(await this.#walk(path, followLast)));
    // What is not there yet, or is no path at all (a pipe in /proc/self/fd), is the operating system's to judge.
    return followLast ? realpath(path).catch(() => posix.normalize(path)) : posix.normalize(path);
  }

  async #walk(path: string, followLast: boolean): Promise<string[]> {
    const resolved: string[] = [];
    const pending = components(path);
    for (let links = 0; ; ) {
      const component = pending.shift();
      if (component === undefined) return resolved;
      if (component === "..") {
        if (resolved.pop() === undefined) throw this.#outside(path);
        continue;
      }
      const target = followLast || pending.length > 0 ? await linkTarget(join(this.path, ...resolved, component)) : undefined;
      if (target === undefined) {
        resolved.push(component);
        continue;
      }
      links += 1;
      if (links > maxLinks) throw new InvalidArgumentError(`path ${path}: more than ${maxLinks} symbolic links`, { facts: { path } });
      if (target.startsWith("/")) resolved.length = 0;
      pending.unshift(...components(target));
    }
  }

  #outside(path: string): PermissionError {
    return new PermissionError(`path ${path}: leads out of the machine's root directory ${this.path}`, { facts: { path } });
  }
}

function components(path: string): string[] {
  return path.split("/").filter((each) => each !== "" && each !== ".");
}

/** Where a symbolic link points; undefined when this is none or nothing is there. */
async function linkTarget(path: string): Promise<string | undefined> {
  const found = await lstat(path).catch(() => undefined);
  return found?.isSymbolicLink() ? readlink(path) : undefined;
}
