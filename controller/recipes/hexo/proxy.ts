/** The proxy run by itself, without make, so that the process recorded is the one that takes signals (facts: HEXO §2, §3). */
import type { Act, Known } from "../../deploy/recipe.js";
import { type Design, proxyJob, type Seat } from "./design.js";
import { programNames } from "./pair.js";
import type { HexoParameters } from "./parameters.js";

export interface ProxyStart {
  /** Start from the files in its directory. */
  readonly resume: boolean;
  /** HERMIT_MIGTEST; 0: it stays until it is asked. */
  readonly migtest: number;
  /** Page server of the source in post-copy. */
  readonly server: string | undefined;
}

/** Everything the template's Makefile gives it. Both FULL_CHKPT variables, always: each side reads the one it needs. */
export function proxyEnvironment(parameters: HexoParameters, id: 0 | 1, { resume, migtest, server }: ProxyStart): Record<string, string> {
  const full = parameters.mode === "checkpoint" ? "1" : "0";
  return {
    HERMIT_ISLE: "uhyve",
    HERMIT_MEM: parameters.mem,
    HERMIT_CPUS: String(parameters.cpus),
    HERMIT_VERBOSE: flag(parameters.verbose),
    HERMIT_MIGTEST: String(migtest),
    HERMIT_MIGRATE_RESUME: flag(resume),
    HERMIT_DEBUG: flag(parameters.debug),
    HERMIT_NODE_ID: String(id),
    ST_X86_64_BIN: programNames.x86,
    ST_AARCH64_BIN: programNames.arm,
    HERMIT_MIGRATE_PORT: String(parameters.port),
    HERMIT_MIGRATE_SERVER: server ?? "0",
    HERMIT_FULL_CHKPT_SAVE: full,
    HERMIT_FULL_CHKPT_RESTORE: full,
  };
}

/** The program by its full path: that tells a proxy of ours from another one in a list of processes. */
export function startProxy({ parameters }: Design, seat: Seat, known: Known, start: ProxyStart): Act {
  const { proxy, side, id } = seat.machine;
  const directory = seat.directory(known);
  return {
    kind: "start",
    name: proxyJob,
    argv: [proxy, `${directory}/${programNames[side]}`, ...parameters.args],
    cwd: directory,
    env: proxyEnvironment(parameters, id, start),
    timeoutMs: 0,
  };
}

function flag(on: boolean): string {
  return on ? "1" : "0";
}
