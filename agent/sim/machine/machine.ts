/**
 * One machine: chassis power, firmware, boot loader, kernel, serial ports.
 *
 * Invariants: what runs (a Boot) exists exactly while power is on; a new one starts only after the old one is gone with all its
 * processes; acts on the chassis happen one after the other, in the order they were asked for.
 */
import type { Hardware, KernelKind, MachineTime, RunningKernel, ToolReply, ToolRequest } from "../kernel.js";
import type { Timer } from "../../../proto/base/clock.js";
import type { Logger } from "../../../proto/base/logger.js";
import { BootLoader } from "./boot-loader.js";
import { directoryBootFiles } from "./boot-files.js";
import { diskBoot, firmwareBanner, otherBoot } from "./firmware.js";
import type { LoadedKernel } from "./grub-shell.js";
import { SerialPort } from "./serial-port.js";

/** Real-machine milliseconds. */
export interface MachineTiming {
  /** From power or reset to the firmware's banner. */
  readonly postMs: number;
  /** From the command to the power. */
  readonly onMs: number;
  readonly offMs: number;
  /** Power stays off this long in a cycle. */
  readonly cycleMs: number;
}

export interface MachineOptions {
  readonly node: string;
  readonly rootDirectory: string;
  /** `uname -m`; default x86_64. */
  readonly arch?: string;
  readonly processors: number;
  readonly memoryBytes: number;
  readonly infiniband: Hardware["infiniband"];
  /** The port firmware and boot loader talk on: "ttyS1". */
  readonly consoleLine: string;
  readonly timing: MachineTiming;
  readonly time: MachineTime;
  readonly kinds: readonly KernelKind[];
  readonly shared: Map<string, unknown>;
  readonly log: Logger;
}

export type ChassisAct = "on" | "off" | "cycle" | "reset" | "soft";

/** What happens to a machine, whoever caused it. */
export type MachineEvent = "powered-on" | "powered-off" | "reset";

export class Machine {
  readonly options: MachineOptions;
  /** What its firmware reads when it looks for something to boot: "pxe", "cdrom", "setup"; "disk" and "none" are the disk. */
  bootDevice: () => string = () => "none";
  readonly #ports = new Map(["ttyS0", "ttyS1"].map((line) => [line, new SerialPort()]));
  #on = false;
  #boot: Boot | undefined;
  readonly #watchers = new Set<(event: MachineEvent) => void>();
  #acts: Promise<void> = Promise.resolve();
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(options: MachineOptions) {
    this.options = options;
  }

  /** Chassis power as a BMC reads it. It lags behind the command. */
  get on(): boolean {
    return this.#on;
  }

  /** What runs since power or reset, undefined while off. `stopped` aborts when it ends; `startedMs` is wall time. */
  get boot(): { readonly startedMs: number; readonly stopped: AbortSignal } | undefined {
    return this.#boot;
  }

  /** A serial port by its name in the machine; undefined when it has none of that name. */
  port(line: string): SerialPort | undefined {
    return this.#ports.get(line);
  }

  /**
   * Acts on the chassis after what was asked before; resolves when it has happened. What
   * makes no sense by then (on when on, the others when off) does nothing.
   */
  act(act: ChassisAct): Promise<void> {
    this.#acts = this.#acts
      .then(() => this.#perform(act))
      .catch((err: unknown) => this.options.log.error({ err, act }, "a kernel did not stop as it should"));
    return this.#acts;
  }

  /** Tells what happens to it from now on. Returns the way to stop. */
  watch(watcher: (event: MachineEvent) => void): () => void {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  /** An NMI for whatever kernel runs; firmware and boot loader take no notice. */
  interrupt(): void {
    this.#boot?.kernel?.onDiagnosticInterrupt?.();
  }

  onToolRequest(request: ToolRequest): Promise<ToolReply> {
    const answer = this.#boot?.kernel?.onToolRequest?.(request);
    return answer ?? Promise.resolve({ exitCode: 127, stderr: `${request.op}: command not found\n` });
  }

  /** Pulls the plug. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#wake?.();
    await this.#acts;
    await this.#cutPower();
  }

  async #perform(act: ChassisAct): Promise<void> {
    const { onMs, offMs, cycleMs } = this.options.timing;
    if (act === "soft") return this.#boot?.kernel?.onPowerButton?.();
    if (this.#on === (act === "on")) return;
    if (act === "on") await this.#pause(onMs);
    else if (act === "reset") await this.#stopBoot();
    else {
      await this.#pause(offMs);
      await this.#cutPower();
      if (act === "off") return;
      await this.#pause(cycleMs);
    }
    this.#start(act);
  }

  #start(act: ChassisAct): void {
    if (this.#closed) return;
    this.#tell(this.#on ? "reset" : "powered-on");
    this.#on = true;
    this.options.log.info({ act }, "machine starts");
    this.#boot = new Boot(this, this.#hardware());
  }

  async #cutPower(): Promise<void> {
    if (this.#on) {
      this.options.log.info("machine is off");
      this.#tell("powered-off");
    }
    this.#on = false;
    await this.#stopBoot();
  }

  #tell(event: MachineEvent): void {
    for (const watcher of this.#watchers) watcher(event);
  }

  async #stopBoot(): Promise<void> {
    const boot = this.#boot;
    this.#boot = undefined;
    await boot?.stop();
  }

  #pause(machineMs: number): Promise<void> {
    if (this.#closed || machineMs === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.options.time.after(machineMs, resolve);
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  #hardware(): Hardware {
    const { node, rootDirectory, arch = "x86_64", processors, memoryBytes, infiniband, time, log, shared } = this.options;
    return {
      node,
      rootDirectory,
      arch,
      processors,
      memoryBytes,
      infiniband,
      time,
      log,
      shared,
      transmit: (line, data) => this.#ports.get(line)?.transmit(data),
      onReceive: (line, listener) => this.#ports.get(line)?.onReceive(listener) ?? (() => undefined),
      reset: () => void this.act("reset"),
      powerOff: () => void this.act("off"),
    };
  }
}

/** What runs from power or reset to the next: firmware, boot loader, kernel. */
class Boot {
  kernel: RunningKernel | undefined;
  readonly startedMs: number;
  readonly #stop = new AbortController();
  readonly #machine: Machine;
  readonly #hardware: Hardware;
  #timer: Timer;
  #loader: BootLoader | undefined;
  #letGoOfKeys: () => void = () => undefined;

  constructor(machine: Machine, hardware: Hardware) {
    this.#machine = machine;
    this.#hardware = hardware;
    this.startedMs = hardware.time.clock.now();
    this.#timer = hardware.time.after(machine.options.timing.postMs, () => this.#firmwareDone());
  }

  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#timer.cancel();
    this.#loader?.stop();
    this.#letGoOfKeys();
    await this.kernel?.stop();
  }

  #print(text: string): void {
    this.#hardware.transmit(this.#machine.options.consoleLine, Buffer.from(text.replaceAll("\n", "\r\n"), "latin1"));
  }

  #firmwareDone(): void {
    this.#print(firmwareBanner({ ...this.#hardware, infiniband: this.#hardware.infiniband !== undefined }));
    const other = otherBoot(this.#machine.bootDevice());
    if (other === undefined) return this.#loadFromDisk();
    this.#print(other.begins);
    if (other.failsAfterMs === undefined) return;
    this.#timer = this.#hardware.time.after(other.failsAfterMs, () => {
      this.#print(other.fails);
      this.#loadFromDisk();
    });
  }

  #loadFromDisk(): void {
    this.#print(diskBoot);
    const loader = new BootLoader({
      files: directoryBootFiles(this.#hardware.rootDirectory),
      time: this.#hardware.time,
      print: (text) => this.#print(text),
      start: (loaded) => this.#start(loaded),
    });
    this.#loader = loader;
    this.#letGoOfKeys = this.#hardware.onReceive(this.#machine.options.consoleLine, (data) => loader.key(data));
    loader.run();
  }

  /** A kernel entered in a way it cannot run, or none we know: the machine hangs in silence. */
  #start(loaded: LoadedKernel): void {
    this.#letGoOfKeys();
    const kind = this.#machine.options.kinds.find((each) => each.kind === loaded.image.kind);
    if (kind === undefined || (kind.realModeOnly === true && loaded.protocol !== "linux16")) {
      this.#hardware.log.warn({ kernel: loaded.path, protocol: loaded.protocol }, "kernel does not run; the machine hangs");
      return;
    }
    this.#hardware.log.info({ kernel: loaded.path, kind: kind.kind }, "kernel starts");
    this.kernel = kind.start(this.#hardware, loaded.image, loaded.commandLine);
  }
}
