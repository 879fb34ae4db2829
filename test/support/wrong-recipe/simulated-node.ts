/**
 * A simulated machine as a NodeHandle, without the wire between: real files below its root directory, its real boot menu, its
 * stand-in tools called in this process, a real log of what its serial port sends.
 */
import { basename, join } from "node:path";
import { GrubBootLoader } from "../../../agent/host/boot/grub.js";
import { HostMachine } from "../../../agent/host/facts/machine.js";
import { HostFiles } from "../../../agent/host/files/files.js";
import { RootDirectory } from "../../../agent/host/root-directory.js";
import type { Machine } from "../../../agent/sim/machine/machine.js";
import type { SimulatedNode } from "../../../agent/sim/simulated-node.js";
import { MachineView } from "../../../agent/sim/tools/machine-view.js";
import { toolsOf } from "../../../agent/sim/systems.js";
import type { CommandRequest, CommandResult, Facts, FileInfo, NodeHandle, PowerResult, PowerVerb } from "../../../controller/ports.js";
import { systemClock } from "../../../proto/base/clock.js";
import { UnreachableError, UnsupportedError } from "../../../proto/base/errors.js";
import { LogUpstream } from "../consoles/log-upstream.js";
import { until } from "../host/processes.js";

export class SimulatedNodeHandle implements NodeHandle {
  readonly name: string;
  readonly #root: string;
  readonly #machine: Machine;
  readonly #files: HostFiles;
  readonly #host: HostMachine;
  readonly #loader: GrubBootLoader;
  readonly #log: LogUpstream;
  readonly #unplug: () => void;
  /** What its serial port has sent since it was last switched on. */
  #said = "";

  /** `directory`: where the log of its console is kept. */
  constructor({ name, rootDirectory, machine }: SimulatedNode, directory: string) {
    this.name = name;
    this.#root = rootDirectory;
    this.#machine = machine;
    const root = new RootDirectory(rootDirectory);
    this.#files = new HostFiles({ root, clock: systemClock });
    this.#host = new HostMachine({ root, rebootArgv: [] });
    this.#loader = new GrubBootLoader({ root });
    this.#log = new LogUpstream(join(directory, name), systemClock);
    this.#unplug = machine.port("ttyS1")?.plugIn((data) => this.#heard(data)) ?? (() => undefined);
  }

  /** Whether Linux has come up since the power was switched: only then would an agent run. */
  get agentConnected(): boolean {
    return this.#said.includes("login: ");
  }

  readonly power: NodeHandle["power"] = {
    read: async () => ({ state: this.#state, fault: false, lastEvent: "" }),
    set: (verb) => this.#switch(verb),
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
    read: (path) =>
      this.#linux(async () => {
        const chunks: Uint8Array[] = [];
        for await (const chunk of this.#files.read(path)) chunks.push(chunk);
        return Buffer.concat(chunks);
      }),
    write: (path, contents, { inPlace = false }) =>
      this.#linux(async () => fileInfo(await this.#files.write(path, once(contents), { inPlace }))),
    remove: (path) => this.#linux(() => this.#files.remove(path)),
  };

  readonly console: NodeHandle["console"] = {
    extent: () => this.#log.extent(),
    follow: (fromOffset, options) => this.#log.follow({ from: { offset: fromOffset }, live: true }, options),
  };

  facts(): Promise<Facts> {
    return this.#linux(() => this.#host.facts());
  }

  run({ argv, cwd }: CommandRequest): Promise<CommandResult> {
    return this.#linux(async () => {
      const [program = "", ...rest] = argv;
      const said = { stdout: "", stderr: "" };
      const exitCode = await toolsOf("lego")[basename(program)]?.({
        argv: rest,
        machine: new MachineView({ rootDirectory: this.#root, cwd, ask: (request) => this.#machine.onToolRequest(request) }),
        now: () => systemClock.now(),
        work: () => Promise.resolve(),
        stdin: () => Promise.resolve(""),
        env: {},
        onSignal: () => {},
        out: (text) => void (said.stdout += text),
        err: (text) => void (said.stderr += text),
      });
      const nowMs = systemClock.now();
      return {
        startedMs: nowMs,
        endedMs: nowMs,
        state: "exited",
        exitCode: exitCode ?? 127,
        signal: undefined,
        reason: undefined,
        ...said,
      };
    });
  }

  readonly jobs: NodeHandle["jobs"] = {
    start: () => Promise.reject(new Error("not yet")),
    read: () => Promise.reject(new Error("not yet")),
    signal: () => Promise.reject(new Error("not yet")),
    end: () => Promise.reject(new Error("not yet")),
  };

  reboot(): Promise<never> {
    throw new UnsupportedError(`${this.name}: no deployment reboots a node by its agent`);
  }

  /** Waits until its Linux is up, which boots when power is switched on and nothing else was chosen. */
  linuxUp(): Promise<void> {
    return until(() => this.agentConnected, `Linux on ${this.name}`);
  }

  async cycle(): Promise<void> {
    this.#said = "";
    await this.#machine.act("cycle");
  }

  close(): void {
    this.#unplug();
    this.#log.log.close();
  }

  #heard(data: Uint8Array): void {
    this.#said += Buffer.from(data).toString("latin1");
    this.#log.print(data);
  }

  get #state(): "on" | "off" {
    return this.#machine.on ? "on" : "off";
  }

  async #switch(verb: PowerVerb): Promise<PowerResult> {
    if (verb !== "cycle") throw new UnsupportedError(`${this.name}: no deployment asks for power ${verb}`);
    const { endOffset: consoleOffset } = await this.#log.extent();
    const [before, beganMs] = [this.#state, systemClock.monotonicMs()];
    await this.cycle();
    const elapsedMs = systemClock.monotonicMs() - beganMs;
    return { before, after: this.#state, acted: true, elapsedMs, replayed: false, witnessed: true, consoleOffset };
  }

  /** What only a node's agent can do. */
  #linux<T>(work: () => Promise<T>): Promise<T> {
    if (this.agentConnected) return work();
    return Promise.reject(new UnreachableError(`node ${this.name}: its agent is not connected`));
  }
}

function fileInfo(info: Awaited<ReturnType<HostFiles["write"]>>): FileInfo {
  return { ...info, sha256: info.sha256 };
}

async function* once(contents: Uint8Array): AsyncGenerator<Uint8Array> {
  yield contents;
}
