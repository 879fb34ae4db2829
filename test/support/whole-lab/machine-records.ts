/** What the simulated machines have recorded of what was done to them: witnesses that the lab's own records have no part in. */
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { LabDirectory } from "../../../controller/cli/lab-directory.js";

/** Every power command the node's BMC has executed, oldest first. */
export async function powerLog(directory: LabDirectory, node: string): Promise<string[]> {
  const lines = (await readFile(join(directory.simulation, node, "power.log"), "utf8")).trimEnd().split("\n");
  return lines.map((line) => (JSON.parse(line) as { verb: string }).verb);
}

/** Every byte the node's serial port has sent. */
export function serialLog(directory: LabDirectory, node: string): Promise<Buffer> {
  return readFile(join(directory.simulation, node, "ttyS1.log"));
}

/** What every job ever asked of the node's agent was to run, as one line each. */
export function jobs(directory: LabDirectory, node: string): Promise<string[]> {
  return jobLines(directory, node, () => true);
}

/** As `jobs`, those that have begun and not ended. */
export function runningJobs(directory: LabDirectory, node: string): Promise<string[]> {
  return jobLines(directory, node, (job) => existsSync(join(job, "started.json")) && !existsSync(join(job, "result.json")));
}

async function jobLines(directory: LabDirectory, node: string, isWanted: (job: string) => boolean): Promise<string[]> {
  const path = join(directory.simulation, node, "root/var/lib/labd/jobs");
  const directories = (await readdir(path)).map((id) => join(path, id)).filter(isWanted);
  const requests = await Promise.all(directories.map((job) => readFile(join(job, "request.json"), "utf8")));
  return requests.map((text) => (JSON.parse(text) as { argv: string[] }).argv.join(" ")).sort();
}
