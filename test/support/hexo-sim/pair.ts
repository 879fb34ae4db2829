/** A simulated x86 server and a simulated board as directories, their stand-in tools called in this process. No kernel, no agent. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Test } from "tap";
import type { Hardware, RunningLinux, ToolReply, ToolRequest } from "../../../agent/sim/kernel.js";
import { announce } from "../../../agent/sim/machine/neighbours.js";
import { nodeParameters } from "../../../agent/sim/node-parameters.js";
import { furnish } from "../../../agent/sim/furnish.js";
import type { HexoFault } from "../../../agent/sim/hexo/faults.js";
import { knownFaults, systems, toolsOf } from "../../../agent/sim/systems.js";
import { launchedTool } from "../../../agent/sim/tools/launcher.js";
import { MachineView } from "../../../agent/sim/tools/machine-view.js";
import type { Tool } from "../../../agent/sim/tools/tool.js";
import type { NodeSpec } from "../../../inventory/model.js";
import { scratchDirectory } from "../host/scratch.js";
import { type ProcessEnd, ToolProcess } from "./tool-process.js";

export interface Ran extends ProcessEnd {
  readonly stdout: string;
  readonly stderr: string;
}

/** Real-machine seconds become milliseconds. */
const speedUp = 1000;

export class HexoMachine {
  readonly name: string;
  readonly root: string;
  readonly arch: "x86_64" | "aarch64";
  readonly faults: Set<HexoFault>;
  isUp = true;
  readonly #shared: Map<string, unknown>;

  private constructor(name: string, root: string, arch: "x86_64" | "aarch64", faults: readonly HexoFault[], shared: Map<string, unknown>) {
    this.name = name;
    this.root = root;
    this.arch = arch;
    this.faults = new Set(faults);
    this.#shared = shared;
  }

  static async create(
    options: { directory: string; name: string; arch: "x86_64" | "aarch64"; address: string; sshPort: number; memoryKb?: number },
    faults: readonly HexoFault[],
    shared: Map<string, unknown>,
  ): Promise<HexoMachine> {
    const { directory, name, arch, address, sshPort, memoryKb = 8 * 2 ** 20 } = options;
    const machine = new HexoMachine(name, join(directory, name), arch, faults, shared);
    mkdirSync(machine.root);
    const spec: NodeSpec = { ...plainNode, name, arch, address };
    const [parameters] = nodeParameters([{ name, sim: { system: "hexo", faults: [...faults] } }], knownFaults);
    if (parameters === undefined) throw new Error(`${name}: no parameters`);
    await furnish(machine.root, { spec, parameters });
    machine.write("/proc/meminfo", `MemTotal: ${memoryKb} kB\nMemAvailable: ${memoryKb} kB\n`);
    announce(shared, {
      node: name,
      address,
      sshPort,
      users: ["root"],
      rootDirectory: machine.root,
      faults,
      isUp: () => machine.isUp,
      ask: (request) => machine.ask(request),
    });
    return machine;
  }

  /** A program of this machine, by its name or path, in a directory of this machine. */
  start(program: string, argv: readonly string[], options: { cwd?: string; env?: Readonly<Record<string, string>> } = {}): ToolProcess {
    const machine = new MachineView({ rootDirectory: this.root, cwd: options.cwd ?? "/root", ask: (request) => this.ask(request) });
    const env = { LABD_SIM_FAULTS: [...this.faults].join(","), LABD_SIM_SPEED_UP: String(speedUp), ...options.env };
    return new ToolProcess(this.#tool(machine, program), { argv, machine, env });
  }

  async run(
    program: string,
    argv: readonly string[],
    options: { cwd?: string; env?: Readonly<Record<string, string>> } = {},
  ): Promise<Ran> {
    const process = this.start(program, argv, options);
    const end = await process.ended;
    return { ...end, stdout: process.stdout, stderr: process.stderr };
  }

  host(path: string): string {
    return new MachineView({ rootDirectory: this.root, cwd: "/", ask: (request) => this.ask(request) }).host(path);
  }

  exists(path: string): boolean {
    return existsSync(this.host(path));
  }

  read(path: string): string {
    return readFileSync(this.host(path), "utf8");
  }

  write(path: string, contents: string | Uint8Array): void {
    mkdirSync(dirname(this.host(path)), { recursive: true });
    writeFileSync(this.host(path), contents);
  }

  ask(request: ToolRequest): Promise<ToolReply> {
    if (request.op === "uname") return Promise.resolve({ exitCode: 0, stdout: `${this.arch}\n` });
    const linux = { hardware: { node: this.name, shared: this.#shared } as unknown as Hardware } as unknown as RunningLinux;
    return systems.hexo.handlers[request.op]?.(request, linux) ?? Promise.resolve({ exitCode: 127 });
  }

  #tool(machine: MachineView, program: string): Tool {
    const name = (program.includes("/") ? launchedTool(machine.read(program)) : undefined) ?? basename(program);
    const tool = toolsOf("hexo")[name];
    if (tool === undefined) throw new Error(`${this.name}: no stand-in for ${program}`);
    return tool;
  }
}

const plainNode: Omit<NodeSpec, "name" | "arch" | "address"> = {
  tags: [],
  bmc: undefined,
  power: undefined,
  safety: { group: "", minOffS: 0, cyclesPerHour: 0, hold: "" },
  console: undefined,
  agent: true,
  ssh: undefined,
  sim: {},
};

export interface HexoPair {
  readonly x86: HexoMachine;
  readonly board: HexoMachine;
}

export const boardAddress = "10.0.0.7";
export const boardPort = 2207;

/** A fresh pair; gone when the test ends. */
export async function hexoPair(
  t: Test,
  faults: { x86?: readonly HexoFault[]; board?: readonly HexoFault[]; sshPort?: number } = {},
): Promise<HexoPair> {
  const directory = await scratchDirectory(t);
  const shared = new Map<string, unknown>();
  const x86 = await HexoMachine.create(
    { directory, name: "x86", arch: "x86_64", address: "127.0.0.1", sshPort: 22 },
    faults.x86 ?? [],
    shared,
  );
  const board = await HexoMachine.create(
    {
      directory,
      name: "board",
      arch: "aarch64",
      address: boardAddress,
      sshPort: faults.sshPort ?? boardPort,
      memoryKb: 2 * 2 ** 20,
    },
    faults.board ?? [],
    shared,
  );
  return { x86, board };
}
