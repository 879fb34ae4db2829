/**
 * A simulated machine as a NodeHandle, without the wire between: real files below its root directory, its real boot menu, its
 * stand-in tools called in this process, a real log of what its serial port sends.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import { GrubBootLoader } from "../../../agent/host/boot/grub.js";
import { HostMachine } from "../../../agent/host/facts/machine.js";
import { HostFiles } from "../../../agent/host/files/files.js";
import { RootDirectory } from "../../../agent/host/root-directory.js";
import type { Machine } from "../../../agent/sim/machine/machine.js";
import type { SimulatedNode } from "../../../agent/sim/simulated-node.js";
import type { NodeParameters } from "../../../agent/sim/node-parameters.js";
import { toolsOf } from "../../../agent/sim/systems.js";
import { faultsVariable, speedUpVariable } from "../../../agent/sim/tools/surroundings.js";
import type { Tool } from "../../../agent/sim/tools/tool.js";
import type { Facts, FileInfo, NodeHandle, PowerResult, PowerVerb } from "../../../controller/ports.js";
import { powerAgent, type NodeSpec } from "../../../inventory/model.js";
import { systemClock } from "../../../proto/base/clock.js";
import { ExhaustedError, UnreachableError, UnsupportedError } from "../../../proto/base/errors.js";
import { LogUpstream } from "../consoles/log-upstream.js";
import { until } from "../host/processes.js";
import { SimulatedJobs } from "./jobs.js";

/** An agent is a process as well: it comes up a moment after the rest of user space. */
const agentStartsMs = 200;
const readLimitBytes = 4 * 1024 * 1024;
const bootIdPath = "/proc/sys/kernel/random/boot_id";

export interface SimulatedNodeOptions {
  readonly spec: NodeSpec;
  readonly parameters: NodeParameters;
  /** Beyond those of the system. */
  readonly tools: Readonly<Record<string, Tool>>;
  /** Where the log of its console is kept. */
  readonly directory: string;
  /** How many times faster than iron it is, and how much faster still commands that are waited for work. */
  readonly speedUp: number;
  readonly workSpeedUp: number;
  /** The node whose agent reaches it by ssh. */
  readonly via?: SimulatedNodeHandle | undefined;
}

export class SimulatedNodeHandle implements NodeHandle {
  readonly name: string;
  readonly console: NodeHandle["console"];
  readonly run: NodeHandle["run"];
  readonly jobs: NodeHandle["jobs"];
  readonly #options: SimulatedNodeOptions;
  readonly #root: string;
  readonly #machine: Machine;
  readonly #files: HostFiles;
  readonly #host: HostMachine;
  readonly #loader: GrubBootLoader;
  readonly #commands: SimulatedJobs;
  readonly #log: LogUpstream;
  readonly #unplug: () => void;
  readonly #powerActs = new Map<string, PowerResult>();

  constructor({ name, rootDirectory, socketPath, machine }: SimulatedNode, options: SimulatedNodeOptions) {
    this.name = name;
    this.#options = options;
    this.#root = rootDirectory;
    this.#machine = machine;
    const root = new RootDirectory(rootDirectory);
    this.#files = new HostFiles({ root, clock: systemClock });
    this.#host = new HostMachine({ root, rebootArgv: [] });
    this.#loader = new GrubBootLoader({ root });
    this.#log = new LogUpstream(join(options.directory, name), systemClock);
    const { consoleLine } = machine.options;
    this.#unplug = machine.port(consoleLine)?.plugIn((data) => this.#log.print(data)) ?? (() => undefined);
    this.console =
      options.spec.console === undefined
        ? undefined
        : {
            extent: () => this.#log.extent(),
            follow: (fromOffset, following) => this.#log.follow({ from: { offset: fromOffset }, live: true }, following),
          };
    const linux = <T>(work: () => Promise<T>) => this.#linux(work);
    const tools = { ...toolsOf(options.parameters.system), ...options.tools };
    const environment = environmentOf(rootDirectory, socketPath, options);
    this.#commands = new SimulatedJobs({ root: rootDirectory, machine, tools, environment, workSpeedUp: options.workSpeedUp, linux });
    this.run = this.#commands.run;
    this.jobs = this.#commands.handle;
  }

  /** Its "/", on the host. */
  get rootDirectory(): string {
    return this.#root;
  }

  get agentConnected(): boolean {
    const { spec, via } = this.#options;
    if (via !== undefined) return via.agentConnected;
    return spec.agent && this.linuxIsUp;
  }

  /** Whether a Linux has come up, user space and all, since power or reset started the machine. */
  get linuxIsUp(): boolean {
    const startedMs = this.#machine.boot?.startedMs;
    const bootedMs = statSync(join(this.#root, bootIdPath), { throwIfNoEntry: false })?.mtimeMs ?? 0;
    return startedMs !== undefined && bootedMs >= startedMs && systemClock.now() >= bootedMs + agentStartsMs;
  }

  readonly power: NodeHandle["power"] = {
    read: async () => {
      this.#needPower();
      return { state: this.#state, fault: false, lastEvent: "", asks: "", hold: "" };
    },
    confirm: async () => {
      throw new UnsupportedError(`node ${this.name}: its power is not switched by hand`);
    },
    set: async (verb, { key }) => {
      this.#needPower();
      const known = this.#powerActs.get(key);
      if (known !== undefined) return { ...known, replayed: true };
      const result = await this.#switch(verb);
      this.#powerActs.set(key, result);
      return result;
    },
  };

  readonly boot: NodeHandle["boot"] = {
    menu: () => this.#linux(() => this.#loader.menu()),
    putEntry: (entry) => this.#linux(() => this.#loader.putEntry(entry)),
    removeEntry: (id) => this.#linux(() => this.#loader.removeEntry(id)),
    bootOnce: (id) => this.#linux(() => this.#loader.bootOnce(id)),
  };

  readonly files: NodeHandle["files"] = {
    stat: (path, options) =>
      this.#linux(async () => {
        const info = await this.#files.stat(path, { wantSha256: options?.wantSha256 ?? false });
        return info && fileInfo(info);
      }),
    read: (path, options) =>
      this.#linux(async () => {
        const chunks: Uint8Array[] = [];
        for await (const chunk of this.#files.read(path)) chunks.push(chunk);
        const contents = Buffer.concat(chunks);
        const limitBytes = options?.limitBytes ?? readLimitBytes;
        if (contents.length > limitBytes) throw new ExhaustedError(`${this.name}: ${path}: is larger than ${limitBytes} bytes`);
        return contents;
      }),
    write: (path, contents, { inPlace = false, mode }) =>
      this.#linux(async () => {
        const options = { inPlace, ...(mode === undefined ? {} : { mode }) };
        return fileInfo(await this.#files.write(path, once(contents), options));
      }),
    remove: (path, { recursive = false }) => this.#linux(() => this.#files.remove(path, { recursive })),
  };

  facts(): Promise<Facts> {
    return this.#linux(async () => ({ ...(await this.#host.facts()), arch: this.#options.spec.arch }));
  }

  reboot(): Promise<{ oldBootId: string }> {
    return this.#linux(async () => {
      const oldBootId = await this.#host.bootId();
      const reply = await this.#machine.onToolRequest({ op: "reboot", argv: [], cwd: "/" });
      if (reply.exitCode !== 0) throw new UnsupportedError(`${this.name}: ${reply.stderr ?? "does not reboot"}`);
      return { oldBootId };
    });
  }

  /** Waits until its Linux is up, which boots when power is switched on and nothing else was chosen. */
  linuxUp(): Promise<void> {
    return until(() => this.linuxIsUp, `Linux on ${this.name}`);
  }

  async cycle(): Promise<void> {
    await this.#machine.act("cycle");
  }

  close(): void {
    this.#commands.close();
    this.#unplug();
    this.#log.log.close();
  }

  get #state(): "on" | "off" {
    return this.#machine.on ? "on" : "off";
  }

  #needPower(): void {
    const { spec } = this.#options;
    if (powerAgent(spec) !== undefined) return;
    throw new UnsupportedError(`node ${this.name}: the inventory gives it neither a bmc nor a power command`);
  }

  async #switch(verb: PowerVerb): Promise<PowerResult> {
    const { endOffset: consoleOffset } = await this.#log.extent();
    const [before, beganMs] = [this.#state, systemClock.monotonicMs()];
    await this.#machine.act(verb === "cycle" && before === "off" ? "on" : verb);
    const elapsedMs = systemClock.monotonicMs() - beganMs;
    const acted = before !== this.#state || (before === "on" && verb !== "on");
    return { before, after: this.#state, acted, elapsedMs, replayed: false, witnessed: true, consoleOffset, packets: 0, waitedMs: 0 };
  }

  /** What only an agent can do. */
  #linux<T>(work: () => Promise<T>): Promise<T> {
    const { spec, via } = this.#options;
    if (!spec.agent && spec.ssh === undefined) return reject(new UnsupportedError(`node ${this.name}: no agent runs on it`));
    if (!this.agentConnected) return reject(new UnreachableError(`node ${this.name}: its agent is not connected`));
    if (via !== undefined && !this.linuxIsUp) return reject(new UnreachableError(`node ${this.name}: ssh: no route to host`));
    return work();
  }
}

/** As a simulated Linux starts its agent. */
function environmentOf(root: string, socketPath: string, { parameters, speedUp }: SimulatedNodeOptions): Record<string, string> {
  return {
    HOME: `${root}/root`,
    LANG: "C",
    PATH: `${root}/usr/local/bin`,
    LABD_SIM_ROOT: root,
    LABD_SIM_SOCKET: socketPath,
    [faultsVariable]: parameters.faults.join(","),
    [speedUpVariable]: String(speedUp),
  };
}

function reject(error: Error): Promise<never> {
  return Promise.reject(error);
}

function fileInfo(info: Awaited<ReturnType<HostFiles["write"]>>): FileInfo {
  return { ...info, sha256: info.sha256 };
}

async function* once(contents: Uint8Array): AsyncGenerator<Uint8Array> {
  yield contents;
}
