/** Size and free space of file systems. By `df`: Node 16, which the oldest machines run, has no statfs. */
import { execFile } from "node:child_process";
import { dirname } from "node:path";
import { existsSync } from "node:fs";

export interface DiskUsage {
  readonly sizeBytes: number;
  /** For unprivileged use. */
  readonly freeBytes: number;
}

/** A file system that does not answer (a dead NFS server) must not hold up the facts. */
const deadlineMs = 5_000;

/** Usage of the file system under each path, or under its nearest existing parent; in order. Throws when df cannot tell. */
export async function diskUsage(paths: readonly string[]): Promise<readonly DiskUsage[]> {
  if (paths.length === 0) return [];
  return parseDf(await runDf(paths.map(nearestExisting)));
}

function nearestExisting(path: string): string {
  let candidate = path;
  while (!existsSync(candidate) && dirname(candidate) !== candidate) candidate = dirname(candidate);
  return candidate;
}

function runDf(paths: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const environment = { ...process.env, LC_ALL: "C" };
    execFile("df", ["-Pk", "--", ...paths], { timeout: deadlineMs, killSignal: "SIGKILL", env: environment }, (error, stdout) => {
      if (error) reject(error);
      else resolve(stdout);
    });
  });
}

/** Reads `df -Pk`: a heading, then one line per argument: source, 1024-blocks, used, available, capacity, mount (POSIX df). */
export function parseDf(output: string): DiskUsage[] {
  const usages: DiskUsage[] = [];
  for (const line of output.split("\n").slice(1)) {
    // The source may hold blanks; the numbers are found from the capacity, which ends in "%" or is "-".
    const numbers = /\s(\d+)\s+(\d+)\s+(-?\d+)\s+(?:\d+%|-)\s/.exec(line);
    if (numbers === null) continue;
    usages.push({ sizeBytes: Number(numbers[1]) * 1024, freeBytes: Math.max(0, Number(numbers[3])) * 1024 });
  }
  return usages;
}
