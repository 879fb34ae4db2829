/** A test's hands on the machine where what it tests runs: this one, or one that is reached some other way. */
import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, readFile, readlink, symlink, writeFile } from "node:fs/promises";
import type { Test } from "tap";
import { runs } from "./processes.js";
import { scratchDirectory } from "./scratch.js";

export interface Hands {
  /** Program that runs JavaScript there. */
  readonly node: string;
  /** A directory there for one test. */
  directory(t: Test): Promise<string>;
  exists(path: string): Promise<boolean>;
  read(path: string): Promise<string>;
  /** With exactly this mode; default 0644. */
  write(path: string, text: string, mode?: number): Promise<void>;
  makeDirectory(path: string): Promise<void>;
  /** Names in a directory, in any order. */
  list(path: string): Promise<readonly string[]>;
  /** Makes a symbolic link. */
  link(target: string, path: string): Promise<void>;
  linkTarget(path: string): Promise<string>;
  /** True while a process runs there; a zombie nobody reaps does not. */
  runs(pid: number): Promise<boolean>;
  kill(pid: number, signal: NodeJS.Signals): Promise<void>;
}

export const localHands: Hands = {
  node: process.execPath,
  directory: scratchDirectory,
  exists: (path) => Promise.resolve(existsSync(path)),
  read: (path) => readFile(path, "utf8"),
  write: async (path, text, mode = 0o644) => {
    await writeFile(path, text);
    await chmod(path, mode);
  },
  makeDirectory: async (path) => {
    await mkdir(path);
  },
  list: (path) => readdir(path),
  link: (target, path) => symlink(target, path),
  linkTarget: (path) => readlink(path),
  runs: (pid) => Promise.resolve(runs(pid)),
  kill: (pid, signal) => Promise.resolve(void process.kill(pid, signal)),
};
