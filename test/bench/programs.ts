/** The programs of other projects a benchmark starts, and the Debian packages they come in. */
import { accessSync, constants } from "node:fs";
import { join } from "node:path";

const packages = {
  cc: "build-essential",
  ipmi_sim: "openipmi",
  ipmipower: "freeipmi-tools",
  ipmitool: "ipmitool",
  powermand: "powerman",
  powerman: "powerman",
  conmand: "conman",
  tcpdump: "tcpdump",
  xargs: "findutils",
} as const;

export type ProgramName = keyof typeof packages;

/** Daemons live where an ordinary user's PATH does not look. */
const directories = [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/usr/local/sbin"];

/** Its path; undefined when it is not installed. */
export function findProgram(name: ProgramName): string | undefined {
  return directories.map((directory) => join(directory, name)).find(isExecutable);
}

/** Its path. Throws with the command that installs it. */
export function programPath(name: ProgramName): string {
  const path = findProgram(name);
  if (path === undefined) throw new Error(missingPrograms([name]) ?? name);
  return path;
}

/** "ipmi_sim is missing: apt-get install openipmi"; undefined when all are there. */
export function missingPrograms(names: readonly ProgramName[]): string | undefined {
  const missing = names.filter((name) => findProgram(name) === undefined);
  if (missing.length === 0) return undefined;
  const wanted = [...new Set(missing.map((name) => packages[name]))];
  return `${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} missing: apt-get install ${wanted.join(" ")}`;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
