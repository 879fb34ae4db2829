/** What every process of a simulated machine has in its environment, whoever starts it. */
import { delimiter, join } from "node:path";
import { markVariable } from "./marked-processes.js";

/** Where stand-in tools are, below the root directory of a machine. */
export const standInDirectory = "usr/local/bin";

export interface MachineProcesses {
  readonly rootDirectory: string;
  /** The machine's socket for stand-in tools. */
  readonly socketPath: string;
  /** Carried by all processes of this boot. */
  readonly mark: string;
  /** More variables of this machine's processes. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Nothing of the host's environment but its PATH, behind the stand-ins: what is secret on the host stays unknown to the machine. */
export function processEnvironment({ rootDirectory, socketPath, mark, environment }: MachineProcesses, home = "/root"): NodeJS.ProcessEnv {
  return {
    ...environment,
    PATH: [join(rootDirectory, standInDirectory), process.env["PATH"] ?? "/usr/bin:/bin"].join(delimiter),
    HOME: join(rootDirectory, home),
    LANG: "C",
    LABD_SIM_ROOT: rootDirectory,
    LABD_SIM_SOCKET: socketPath,
    [markVariable]: mark,
  };
}
