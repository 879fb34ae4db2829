/** Machines in memory for LegoOS kernels and modules to run on: one clock, one fabric, serial output as text. */
import pino from "pino";
import type { Hardware, KernelImage, RunningKernel, RunningLinux, ToolHandlers, ToolReply } from "../../../agent/sim/kernel.js";
import { imageMagic } from "../../../agent/sim/kernel.js";
import { legoosKernel } from "../../../agent/sim/lego/lego-kernel.js";
import { legoModules } from "../../../agent/sim/lego/linux-modules.js";
import { FakeClock } from "../fake-clock.js";
import { BuildHost } from "./build-host.js";

export interface MachineOptions {
  readonly lid?: number;
  readonly hca?: boolean;
  readonly subnetManager?: boolean;
  readonly processors?: number;
  readonly memoryBytes?: number;
  readonly rootDirectory?: string;
}

export class FakeLab {
  readonly clock = new FakeClock();
  readonly shared = new Map<string, unknown>();
  readonly machines: FakeMachine[] = [];

  machine(node: string, options: MachineOptions = {}): FakeMachine {
    const machine = new FakeMachine(this, node, options);
    this.machines.push(machine);
    return machine;
  }

  async seconds(count: number): Promise<void> {
    await this.clock.advance(count * 1000);
  }

  /** Power off everywhere: nothing may be left running. */
  async end(): Promise<void> {
    for (const machine of this.machines) await machine.stop();
  }
}

export class FakeMachine {
  readonly hardware: Hardware;
  readonly #output = new Map<string, Buffer[]>();
  readonly #lab: FakeLab;
  #running: RunningKernel | undefined;
  #linux: FakeLinux | undefined;

  constructor(lab: FakeLab, node: string, options: MachineOptions) {
    this.#lab = lab;
    const { clock } = lab;
    this.hardware = {
      node,
      rootDirectory: options.rootDirectory ?? "/nowhere",
      arch: "x86_64",
      processors: options.processors ?? 8,
      memoryBytes: options.memoryBytes ?? 8 * 2 ** 30,
      infiniband: options.hca === false ? undefined : { lid: options.lid ?? 1, subnetManager: options.subnetManager ?? true },
      time: { clock, speedUp: 1, after: (machineMs, fire) => clock.after(machineMs, fire) },
      log: pino({ level: "silent" }),
      transmit: (line, data) => void this.#lines(line).push(Buffer.from(data)),
      onReceive: () => () => undefined,
      reset: () => undefined,
      powerOff: () => undefined,
      shared: lab.shared,
    };
  }

  boot(image: KernelImage, commandLine = ""): void {
    this.#running = legoosKernel.start(this.hardware, image, commandLine);
  }

  /** An NMI from its BMC. */
  interrupt(): void {
    this.#running?.onDiagnosticInterrupt?.();
  }

  bootLinux(release: string): FakeLinux {
    this.#linux = new FakeLinux(this.hardware, release);
    return this.#linux;
  }

  /** What came out of a serial port, as latin1 text without carriage returns. */
  text(line = "ttyS1"): string {
    return this.bytes(line).toString("latin1").replaceAll("\r\n", "\n");
  }

  bytes(line = "ttyS1"): Buffer {
    return Buffer.concat(this.#lines(line));
  }

  async stop(): Promise<void> {
    await this.#running?.stop();
    this.#running = undefined;
    this.#linux?.stop();
    this.#linux = undefined;
    await this.#lab.clock.advance(0);
  }

  #lines(line: string): Buffer[] {
    const lines = this.#output.get(line) ?? [];
    this.#output.set(line, lines);
    return lines;
  }
}

/** As much of a Linux as the modules touch. */
export class FakeLinux implements RunningLinux {
  readonly hardware: Hardware;
  readonly release: string;
  readonly modules: string[] = [];
  readonly threads: string[] = [];
  readonly log: string[] = [];
  readonly #abort = new AbortController();
  readonly #handlers: ToolHandlers = legoModules();

  constructor(hardware: Hardware, release: string) {
    this.hardware = hardware;
    this.release = release;
  }

  get stopped(): AbortSignal {
    return this.#abort.signal;
  }

  get dmesg(): string {
    return this.log.join("\n");
  }

  printk(text: string): void {
    this.log.push(text);
  }

  addModule(name: string): void {
    this.modules.push(name);
  }

  addKernelThread(name: string): void {
    this.threads.push(name);
  }

  /** Runs a tool as if from the tree's linux-modules folder. The reply is undefined until there is one. */
  run(op: string, ...argv: readonly string[]): { reply: ToolReply | undefined } {
    const result: { reply: ToolReply | undefined } = { reply: undefined };
    void this.#handlers[op]?.({ op, argv, cwd: "/root/LegoOS/linux-modules" }, this).then((reply) => {
      result.reply = reply;
    });
    return result;
  }

  stop(): void {
    this.#abort.abort();
  }
}

/** Configures and builds a kernel in a fresh tree, as a recipe would. */
export async function buildImage(
  symbols: readonly string[],
  prepare: (host: BuildHost) => void | Promise<void> = () => undefined,
): Promise<KernelImage> {
  const host = await BuildHost.create();
  try {
    await prepare(host);
    await host.configure(...symbols);
    await host.make("-C", "usr");
    const made = await host.make();
    if (made.exitCode !== 0) throw new Error(made.stderr);
    return JSON.parse(host.read("arch/x86/boot/bzImage").slice(imageMagic.length)) as KernelImage;
  } finally {
    host.remove();
  }
}
