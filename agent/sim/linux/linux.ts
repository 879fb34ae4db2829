/** A Linux that boots on a simulated machine: messages on serial, files under /proc, serial devices, a lab-agent, a login prompt. */
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Timer } from "../../../proto/base/clock.js";
import type { Hardware, KernelImage, KernelKind, RunningKernel, RunningLinux, ToolHandlers, ToolReply, ToolRequest } from "../kernel.js";
import { bootMessages, type LinuxIdentity } from "./boot-messages.js";
import { buildOf, type LinuxBuild } from "./image.js";
import { KernelLog } from "./kernel-log.js";
import { loginPrompt } from "./login-prompt.js";
import { rebootAfterPanicS, unknownNmi } from "./nmi.js";
import { NodeAgent } from "./node-agent.js";
import type { MachineProcesses } from "./process-environment.js";
import { aslrPath, type LoadedModule, modulesFile, pseudoFiles, symbolsFile, uptimeFile } from "./pseudo-files.js";
import { openSerialDevice, type SerialDevice } from "./serial-device.js";
import { systemTools } from "./system-tools.js";
import { SshServer, type SshServerOptions } from "../ssh/ssh-server.js";

export interface LinuxOptions {
  /** The agent's bundle on the host; undefined = machines without agent. */
  readonly agentProgram: string | undefined;
  readonly agentLogFile: string;
  /** The machine's socket for stand-in tools. */
  readonly socketPath: string;
  /** Beginning of the mark its processes carry; the boot id is added. */
  readonly mark: string;
  /** Variables its processes have besides those every machine's do. */
  readonly environment?: Readonly<Record<string, string>>;
  /** How its ssh server is reached; undefined = it runs none. */
  readonly ssh?: Pick<SshServerOptions, "address" | "port" | "user" | "hostKey"> | undefined;
  /** Tools answered from inside the kernel besides dmesg, uname, lsmod, reboot and poweroff. */
  readonly tools: ToolHandlers;
}

/** When services start, the agent among them. */
const userSpaceMs = 14_000;
const shutdownMs = 4_000;
/** When a kernel that does not come up has come to its end. */
const fateMs = 2_000;
const panicMessages = [
  { atMs: fateMs, text: "VFS: Unable to mount root fs on unknown-block(0,0)" },
  { atMs: fateMs + 1, text: "Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)" },
  { atMs: fateMs + 2, text: "---[ end Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0) ]---" },
];
const uptimeRefreshMs = 1_000;
const serialLines = ["ttyS0", "ttyS1"];
const firstThreadPid = 300;

export function linuxKernel(options: LinuxOptions): KernelKind {
  return { kind: "linux", start: (hardware, image, commandLine) => new Linux(hardware, image, commandLine, options) };
}

class Linux implements RunningKernel, RunningLinux {
  readonly hardware: Hardware;
  readonly #options: LinuxOptions;
  readonly #build: LinuxBuild;
  readonly #identity: LinuxIdentity;
  readonly #bootId = randomUUID();
  readonly #log: KernelLog;
  readonly #agent: NodeAgent | undefined;
  #sshServer: SshServer | undefined;
  readonly #tools: ToolHandlers;
  readonly #consoles: readonly string[];
  readonly #modules: LoadedModule[] = [];
  readonly #stop = new AbortController();
  readonly #timers = new Set<Timer>();
  readonly #devices: SerialDevice[] = [];
  readonly #letGo: (() => void)[] = [];
  readonly #startedMs: number;
  #starting: Promise<void> = Promise.resolve();
  #threads = 0;
  #shuttingDown = false;
  #halted = false;

  constructor(hardware: Hardware, image: KernelImage, commandLine: string, options: LinuxOptions) {
    this.hardware = hardware;
    this.#options = options;
    this.#build = buildOf(image);
    this.#startedMs = hardware.time.clock.monotonicMs();
    this.#consoles = [...commandLine.matchAll(/(?:^| )console=(ttyS\d)/g)].map((match) => match[1] ?? "");
    const { node, arch, processors, memoryBytes } = hardware;
    this.#identity = {
      node,
      arch,
      processors,
      memoryBytes,
      commandLine,
      release: this.#build.release,
      infiniband: hardware.infiniband !== undefined,
    };
    this.#log = new KernelLog(() => this.#uptimeMs());
    this.#agent = this.#installedAgent();
    this.#tools = { ...options.tools, ...this.#systemTools() };
    const { fate } = this.#build;
    const messages = bootMessages(this.#identity).filter(({ atMs }) => fate === undefined || atMs < fateMs);
    for (const { atMs, text } of fate === "panics" ? [...messages, ...panicMessages] : messages)
      this.#after(atMs, () => this.#printk(text, atMs));
    if (fate !== undefined) return;
    this.#after(userSpaceMs, () => {
      this.#starting = this.#startUserSpace().catch((err: unknown) => hardware.log.error({ err }, "user space does not start"));
    });
  }

  get release(): string {
    return this.#identity.release;
  }

  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  get modules(): readonly string[] {
    return this.#modules.map((module) => module.name);
  }

  printk(text: string): void {
    this.#printk(text, this.#uptimeMs());
  }

  addModule(name: string, sizeBytes: number): void {
    this.#modules.push({ name, sizeBytes });
    this.#write("proc/modules", modulesFile(this.#modules));
  }

  addKernelThread(name: string): void {
    const directory = `proc/${firstThreadPid + this.#threads++}`;
    this.#write(`${directory}/comm`, `${name}\n`);
    this.#write(`${directory}/cmdline`, "");
  }

  onToolRequest(request: ToolRequest): Promise<ToolReply> | undefined {
    if (this.#halted) return undefined;
    return this.#tools[request.op]?.(request, this);
  }

  onPowerButton(): void {
    if (!this.#halted) this.#shutDown("power-off");
  }

  onDiagnosticInterrupt(): void {
    const { arch, commandLine } = this.#identity;
    // An arm64 machine has no such interrupt.
    if (arch === "aarch64" || this.#halted) return;
    const kernel = { release: this.release, commandLine, setting: (name: string) => this.#setting(name) };
    const { lines, panics } = unknownNmi(kernel);
    for (const line of lines) this.printk(line);
    if (!panics) return;
    this.#halted = true;
    void this.stop().catch((err: unknown) => this.hardware.log.error({ err }, "a panicking kernel did not stop"));
    const seconds = rebootAfterPanicS(kernel);
    if (seconds === undefined) return;
    this.printk(`Rebooting in ${seconds} seconds..`);
    this.#after(seconds * 1000, () => this.hardware.reset());
  }

  /** Idempotent: a kernel that has panicked has stopped before its machine does. */
  async stop(): Promise<void> {
    this.#stop.abort();
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    for (const letGo of this.#letGo.splice(0)) letGo();
    await this.#starting;
    await this.#sshServer?.stop();
    await this.#agent?.stop();
    for (const device of this.#devices.splice(0)) await device.close();
  }

  async #startUserSpace(): Promise<void> {
    const { rootDirectory } = this.hardware;
    for (const directory of ["proc", "run"]) rmSync(join(rootDirectory, directory), { recursive: true, force: true });
    for (const [path, contents] of Object.entries(pseudoFiles(this.#identity, this.#bootId))) this.#write(path, contents);
    this.#write("proc/modules", "");
    this.#write("proc/kallsyms", symbolsFile(this.#build.symbols ?? []));
    this.#write(aslrPath, `${this.#setting("kernel.randomize_va_space") ?? "2"}\n`);
    this.#refreshUptime();
    mkdirSync(join(rootDirectory, "run"), { recursive: true });
    for (const line of serialLines) {
      const device = await openSerialDevice(join(rootDirectory, "dev", line), (data) => this.hardware.transmit(line, data));
      this.#devices.push(device);
    }
    if (this.#stop.signal.aborted) return;
    this.#agent?.start();
    await this.#startSshServer();
    for (const line of this.#consoles) this.#openLogin(line);
  }

  /** A machine whose ssh server does not start runs without. */
  async #startSshServer(): Promise<void> {
    const { ssh } = this.#options;
    if (ssh === undefined) return;
    const { log, time } = this.hardware;
    const server = new SshServer({ ...ssh, processes: this.#processes(), clock: time.clock, log });
    try {
      await server.listen();
      this.#sshServer = server;
      this.printk(`sshd[612]: Server listening on ${ssh.address} port ${ssh.port}.`);
    } catch (err) {
      log.error({ err }, "ssh server does not start");
    }
  }

  #processes(): MachineProcesses {
    const { socketPath, mark, environment = {} } = this.#options;
    return { rootDirectory: this.hardware.rootDirectory, socketPath, environment, mark: `${mark}.${this.#bootId}` };
  }

  #openLogin(line: string): void {
    const system = /^PRETTY_NAME="?([^"\n]*)/m.exec(this.#read("etc/os-release") ?? "")?.[1] ?? "Linux";
    const prompt = loginPrompt({ ...this.#identity, system }, (text) => this.#print(line, text));
    this.#letGo.push(this.hardware.onReceive(line, (data) => prompt.type(data)));
  }

  #installedAgent(): NodeAgent | undefined {
    const { agentProgram: program, agentLogFile: logFile } = this.#options;
    if (program === undefined) return undefined;
    const { log, time } = this.hardware;
    return new NodeAgent({ ...this.#processes(), program, logFile, log, clock: time.clock });
  }

  #systemTools(): ToolHandlers {
    return systemTools({
      node: this.hardware.node,
      arch: this.hardware.arch,
      release: this.release,
      dmesg: () => this.#log.text(),
      modules: () => this.#modules,
      shutDown: (then) => this.#shutDown(then),
    });
  }

  #shutDown(then: "reboot" | "power-off"): void {
    if (this.#shuttingDown) return;
    this.#shuttingDown = true;
    this.#agent?.terminate();
    this.printk("systemd-shutdown[1]: Sending SIGTERM to remaining processes...");
    this.#after(shutdownMs, () => {
      this.printk(then === "reboot" ? "Restarting system." : "Power down.");
      if (then === "reboot") this.hardware.reset();
      else this.hardware.powerOff();
    });
  }

  #refreshUptime(): void {
    this.#write("proc/uptime", uptimeFile(this.#uptimeMs(), this.#identity.processors));
    this.#after(uptimeRefreshMs * this.hardware.time.speedUp, () => this.#refreshUptime());
  }

  #printk(text: string, atMs: number): void {
    const line = this.#log.add(text, atMs);
    for (const console of this.#consoles) this.#print(console, `${line}\n`);
  }

  #print(line: string, text: string): void {
    this.hardware.transmit(line, Buffer.from(text.replaceAll("\n", "\r\n")));
  }

  #after(machineMs: number, fire: () => void): void {
    const timer = this.hardware.time.after(machineMs, () => {
      this.#timers.delete(timer);
      fire();
    });
    this.#timers.add(timer);
  }

  #uptimeMs(): number {
    const { clock, speedUp } = this.hardware.time;
    return (clock.monotonicMs() - this.#startedMs) * speedUp;
  }

  /** A line of /etc/sysctl.conf, as it is read when user space starts; undefined without one. */
  #setting(name: string): string | undefined {
    const lines = (this.#read("etc/sysctl.conf") ?? "").split("\n").map((line) => line.split("=").map((part) => part.trim()));
    return lines.find(([key]) => key === name)?.[1];
  }

  #read(path: string): string | undefined {
    const host = join(this.hardware.rootDirectory, path);
    return existsSync(host) ? readFileSync(host, "utf8") : undefined;
  }

  /** Replaces a file below the root directory at once: readers see the old contents or the new. */
  #write(path: string, contents: string): void {
    const host = join(this.hardware.rootDirectory, path);
    mkdirSync(dirname(host), { recursive: true });
    writeFileSync(`${host}.new`, contents);
    renameSync(`${host}.new`, host);
  }
}
