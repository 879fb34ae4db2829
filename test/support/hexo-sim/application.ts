/** NPB IS, or another application, built and brought to both machines, and proxies that run it. */
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { boardAddress, boardPort, type HexoMachine, type HexoPair } from "./pair.js";
import type { ToolProcess } from "./tool-process.js";

export const login = `root@${boardAddress}:`;
export const remoteShell = `ssh -o BatchMode=yes -p ${boardPort}`;

export interface Start {
  readonly resume?: boolean;
  readonly migtest?: number;
  readonly full?: boolean;
  readonly port?: number;
  readonly server?: string;
  readonly mem?: string;
  /** Working directory; default: a fresh one. */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

const programs = ["prog_x86-64_aligned", "prog_aarch64_aligned"];

export class Application {
  readonly #pair: HexoPair;
  readonly directory: string;

  private constructor(pair: HexoPair, directory: string) {
    this.#pair = pair;
    this.directory = directory;
  }

  /** Built on the x86 machine, copied to the board by rsync as a deployment does. */
  static async build(pair: HexoPair, options: { app?: string; problemClass?: string; cflags?: string } = {}): Promise<Application> {
    const { app = "npb-is", problemClass = "B", cflags } = options;
    const directory = `/root/popcorn-compiler/apps/${app}`;
    const env = cflags === undefined ? {} : { CFLAGS: cflags };
    if (app.includes("npb")) await pair.x86.run("ln", ["-sf", `npbparams-${problemClass}.h`, "npbparams.h"], { cwd: directory });
    const made = await pair.x86.run("make", [], { cwd: directory, env });
    if (made.exitCode !== 0) throw new Error(`make: ${made.stderr}`);
    await pair.board.run("mkdir", ["-p", "/var/tmp/hexo"]);
    for (const file of ["/root/hermit-popcorn/aarch64-hermit/bin/proxy", ...programs.map((name) => `${directory}/${name}`)]) {
      const copied = await pair.x86.run("rsync", ["-t", "-e", remoteShell, file, `${login}/var/tmp/hexo/`]);
      if (copied.exitCode !== 0) throw new Error(`rsync: ${copied.stderr}`);
    }
    return new Application(pair, directory);
  }

  /** A fresh working directory with links to both programs. */
  async workplace(machine: HexoMachine): Promise<string> {
    const cwd = `/var/tmp/run-${randomUUID()}`;
    const from = machine === this.#pair.x86 ? this.directory : "/var/tmp/hexo";
    await machine.run("mkdir", ["-p", cwd]);
    await machine.run("ln", ["-sf", ...programs.map((name) => `${from}/${name}`), `${cwd}/`]);
    return cwd;
  }

  /** The proxy with the environment the template gives it. */
  start(machine: HexoMachine, cwd: string, options: Start = {}): ToolProcess {
    const { resume = false, migtest = 0, full = true, port = 5050, server = "0", mem = "1G" } = options;
    const isX86 = machine === this.#pair.x86;
    const proxy = isX86 ? "/root/hermit-popcorn/x86_64-host/bin/proxy" : "/var/tmp/hexo/proxy";
    return machine.start(proxy, [programs[isX86 ? 0 : 1] ?? ""], {
      cwd,
      env: {
        HERMIT_ISLE: "uhyve",
        HERMIT_MEM: mem,
        HERMIT_CPUS: "1",
        HERMIT_VERBOSE: "0",
        HERMIT_MIGTEST: String(migtest),
        HERMIT_MIGRATE_RESUME: resume ? "1" : "0",
        HERMIT_DEBUG: "0",
        HERMIT_NODE_ID: isX86 ? "0" : "1",
        ST_X86_64_BIN: programs[0] ?? "",
        ST_AARCH64_BIN: programs[1] ?? "",
        HERMIT_MIGRATE_PORT: String(port),
        HERMIT_MIGRATE_SERVER: server,
        HERMIT_FULL_CHKPT_SAVE: full ? "1" : "0",
        HERMIT_FULL_CHKPT_RESTORE: full ? "1" : "0",
        ...options.env,
      },
    });
  }
}

/** States of .status in order, without their times; "---" as it stands. */
export function states(machine: HexoMachine, cwd: string): readonly string[] {
  if (!existsSync(machine.host(`${cwd}/.status`))) return [];
  return machine
    .read(`${cwd}/.status`)
    .trim()
    .split("\n")
    .map((line) => line.replace(/^\d+\.\d{6}:STATUS_/, ""));
}

/** Numbers of the iterations NPB IS has printed. */
export function iterations(output: string): readonly number[] {
  return [...output.matchAll(/^ {8}(\d+)$/gm)].map(([, number]) => Number(number));
}

export const checkpointName = /^(?:heap|bss|data|fds|mdata)\.bin$|^(?:stack|tls)\.bin\.\d+$/;

/** Copies a checkpoint, byte by byte, as a right transfer does. */
export function carry(from: HexoMachine, fromDirectory: string, to: HexoMachine, toDirectory: string): void {
  for (const name of readdirSync(from.host(fromDirectory)).filter((each) => checkpointName.test(each)))
    writeFileSync(to.host(`${toDirectory}/${name}`), readFileSync(from.host(`${fromDirectory}/${name}`)));
}

/** A TCP port nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}
