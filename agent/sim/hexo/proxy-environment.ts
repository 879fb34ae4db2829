/** What the proxy is told by its environment (facts: HEXO §2). Pure. */

export interface ProxyEnvironment {
  readonly isle: string;
  readonly memoryBytes: number;
  /** Seconds to its own request for a migration; 0 = none. */
  readonly migtestS: number;
  readonly resume: boolean;
  /** 0 = x86, 1 = arm. */
  readonly nodeId: number;
  readonly x86Program: string;
  readonly armProgram: string;
  readonly port: number;
  /** Source's address; "" when not set. */
  readonly server: string;
  readonly fullSave: boolean;
  readonly fullRestore: boolean;
}

const units: Readonly<Record<string, number>> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

export function readEnvironment(env: Readonly<Record<string, string | undefined>>): ProxyEnvironment {
  const number = (name: string, otherwise: number) => {
    const value = Number.parseInt(env[name] ?? "", 10);
    return Number.isNaN(value) ? otherwise : value;
  };
  const server = env["HERMIT_MIGRATE_SERVER"] ?? "";
  return {
    isle: env["HERMIT_ISLE"] ?? "multi",
    memoryBytes: size(env["HERMIT_MEM"] ?? "512M"),
    migtestS: number("HERMIT_MIGTEST", 0),
    resume: number("HERMIT_MIGRATE_RESUME", 0) !== 0,
    nodeId: number("HERMIT_NODE_ID", 0),
    x86Program: env["ST_X86_64_BIN"] ?? "prog_x86-64_aligned",
    armProgram: env["ST_AARCH64_BIN"] ?? "prog_aarch64_aligned",
    port: number("HERMIT_MIGRATE_PORT", 8080),
    server: server === "0" ? "" : server,
    fullSave: number("HERMIT_FULL_CHKPT_SAVE", 0) !== 0,
    fullRestore: number("HERMIT_FULL_CHKPT_RESTORE", 0) !== 0,
  };
}

function size(text: string): number {
  const [, digits = "0", unit = ""] = /^(\d+)([KMG]?)/.exec(text) ?? [];
  return Number(digits) * (units[unit] ?? 1);
}
