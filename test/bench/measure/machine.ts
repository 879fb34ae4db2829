/** Where a benchmark ran, and with what. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { findProgram, type ProgramName } from "../programs.js";

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly system: string;
  readonly kernel: string;
  readonly node: string;
  /** Load of the last minute before it began: what else the machine was doing. */
  readonly loadBefore: number;
  /** Debian's versions of the peers: "openipmi 2.0.33-1". */
  readonly peers: readonly string[];
}

export function describeMachine(peers: readonly ProgramName[]): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: /^PRETTY_NAME="?(.*?)"?$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "unknown",
    // What a distributor or host adds to the version says nothing about the figures.
    kernel: release().replace(/-.*/, ""),
    node: process.version,
    loadBefore: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    peers: [...new Set(peers.flatMap(packageVersion))].sort(),
  };
}

/** The package a program comes from, with its version, where dpkg knows. */
function packageVersion(name: ProgramName): readonly string[] {
  const path = findProgram(name);
  if (path === undefined) return [];
  const owner = spawnSync("dpkg", ["-S", path], { encoding: "utf8" }).stdout?.split(":")[0];
  if (!owner) return [name];
  const version = spawnSync("dpkg-query", ["-W", "-f", "${Version}", owner], { encoding: "utf8" }).stdout;
  return [`${owner} ${version}`];
}
