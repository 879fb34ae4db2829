/**
 * Between the machine (power, disk, boot loader, serial line) and the kernels that run on it.
 *
 * A kernel image on a simulated disk is a real file: `imageMagic` in its first line, then JSON (KernelImage). Whatever else the
 * boot loader is pointed at does not start. The command line is what the boot loader passes after its own unquoting.
 */
import type { Clock, Timer } from "../../proto/base/clock.js";
import type { Logger } from "../../proto/base/logger.js";

export const imageMagic = "LABD-SIM-KERNEL 1\n";

export interface KernelImage {
  /** Which KernelKind runs it. */
  readonly kind: string;
  /** What the image was built from; shape known to the kind. */
  readonly build: unknown;
}

/** What a kernel may touch of the machine it runs on. */
export interface Hardware {
  readonly node: string;
  /** The machine's disk: absolute path on the host of the directory that is its "/". */
  readonly rootDirectory: string;
  /** `uname -m`: "x86_64", "aarch64". */
  readonly arch: string;
  readonly processors: number;
  readonly memoryBytes: number;
  /** This machine's InfiniBand port, undefined when it has no HCA. */
  readonly infiniband: { readonly lid: number; readonly subnetManager: boolean } | undefined;
  /** Simulated time: delays a kernel asks for are real-machine milliseconds; the machine's speed-up divides them. */
  readonly time: MachineTime;
  readonly log: Logger;
  /** Sends bytes out of serial port `line` ("ttyS0", "ttyS1"). Bytes for a port nothing is wired to vanish, as on iron. */
  transmit(line: string, data: Uint8Array): void;
  /** Bytes that came in on a serial port. One listener per port; returns the way to stop. */
  onReceive(line: string, listener: (data: Uint8Array) => void): () => void;
  /** Warm reset: the kernel is stopped and the firmware starts again. */
  reset(): void;
  /** Switches the machine off. */
  powerOff(): void;
  /** The other machines of the lab, by what joins them: a LegoOS fabric looks its peers up here. */
  readonly shared: Map<string, unknown>;
}

export interface MachineTime {
  readonly clock: Clock;
  /** Real-machine milliseconds per millisecond here: 20 = twenty times as fast. */
  readonly speedUp: number;
  after(machineMs: number, fire: () => void): Timer;
}

export interface RunningKernel {
  /** Power is gone or reset: everything stops at once, child processes included. Resolves when all are reaped. */
  stop(): Promise<void>;
  /** Answers a request a stand-in tool made on the machine's socket, e.g. {op:"insmod"}; undefined = not this kernel's business. */
  onToolRequest?(request: ToolRequest): Promise<ToolReply> | undefined;
  /** The power button was pressed, or the BMC asked for a soft power-off (ACPI). A kernel without this does not notice. */
  onPowerButton?(): void;
  /** A diagnostic interrupt (NMI) from the BMC. A kernel without this takes no notice. */
  onDiagnosticInterrupt?(): void;
}

/** Starts a kernel. It owns the machine until stopped. It never throws into the machine: a kernel that cannot run says so on serial. */
export interface KernelKind {
  readonly kind: string;
  /** True: runs only when the boot loader entered it by `linux16`; loaded by `linux` it hangs without a word (facts: LegoOS §5). */
  readonly realModeOnly?: boolean;
  start(hardware: Hardware, image: KernelImage, commandLine: string): RunningKernel;
}

/**
 * Stand-in tools (processes of the node's agent) ask the machine over the unix socket named by LABD_SIM_SOCKET: one JSON line each way.
 * LABD_SIM_ROOT is the machine's root directory on the host: tools map every absolute path below it.
 */
export interface ToolRequest {
  /** The tool: "insmod", "reboot", "dmesg", "ibstat"… */
  readonly op: string;
  readonly argv: readonly string[];
  /** Working directory as the node sees it. */
  readonly cwd: string;
}

export interface ToolReply {
  readonly exitCode: number;
  readonly stdout?: string;
  readonly stderr?: string;
}

/** A stand-in tool's other half, inside a running Linux. Looked up by ToolRequest.op. */
export type ToolHandler = (request: ToolRequest, linux: RunningLinux) => Promise<ToolReply>;
export type ToolHandlers = Readonly<Record<string, ToolHandler>>;

/** What a tool or a loaded module may ask of the Linux it runs in. */
export interface RunningLinux {
  readonly hardware: Hardware;
  /** `uname -r`. */
  readonly release: string;
  /** Aborts when the machine loses power or resets: whatever a module does ends with it. */
  readonly stopped: AbortSignal;
  /** Adds a line to the kernel log, which `dmesg` prints. */
  printk(text: string): void;
  /** Puts a module into /proc/modules; there is no way out but a reboot. */
  addModule(name: string, sizeBytes: number): void;
  /** Names of the loaded modules, in load order. */
  readonly modules: readonly string[];
  /** Starts a kernel thread as far as anybody can see: /proc/PID/comm exists until the machine stops. */
  addKernelThread(name: string): void;
}
