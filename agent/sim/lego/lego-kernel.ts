/**
 * A LegoOS kernel: boots from the image that was built, prints what facts/LegoOS §6 lists, finds its peers through the fabric or
 * waits for them for ever. It never reboots, notices no power button and reads nothing from its serial line.
 */
import type { Hardware, KernelKind, RunningKernel } from "../kernel.js";
import { type BootedMachine, earlyLines, fitStartMs, fitTableLines, lateLines } from "./boot-log.js";
import { LegoFabric } from "./fabric.js";
import { FitLayer, lidMismatch } from "./fit-layer.js";
import { type FitConstants, type LegoBuild, legoBuildOf, legoKind } from "./image.js";
import { Lifetime } from "./lifetime.js";
import { cacheLines, isRam, type MemoryRange, reservedRanges, virtualAddress } from "./memmap.js";
import type { ManagerContext } from "./manager-context.js";
import { startMemoryManager } from "./memory-manager.js";
import { checkNodeTable } from "./node-table.js";
import { Panic } from "./panic.js";
import { runUserProgram } from "./processor-manager.js";
import { SerialConsole } from "./serial-console.js";

export const legoosKernel: KernelKind = {
  kind: legoKind,
  realModeOnly: true,
  start(hardware, image, commandLine) {
    const build = legoBuildOf(image);
    if (build === undefined) {
      hardware.log.warn({ node: hardware.node, kind: image.kind }, "not a LegoOS image: nothing runs");
      return { stop: () => Promise.resolve() };
    }
    return new LegoKernel(hardware, build, commandLine);
  },
};

/** From the subnet manager's first message to the seventh, in the authors' log. */
const managementMessagesMs = 25_950;
const portUpMs = 1_120;
const queuePairsMs = 130;
/** Clearing a gigabyte of ExCache. */
const clearMsPerGigabyte = 180;
const gigabyte = 2 ** 30;

class LegoKernel implements RunningKernel {
  readonly #hardware: Hardware;
  readonly #build: LegoBuild;
  readonly #config: LegoBuild["config"];
  readonly #console: SerialConsole;
  readonly #lifetime: Lifetime;
  readonly #commandLine: string;
  readonly #machine: BootedMachine;

  constructor(hardware: Hardware, build: LegoBuild, commandLine: string) {
    this.#hardware = hardware;
    this.#build = build;
    this.#config = build.config;
    this.#console = new SerialConsole(hardware, build.config);
    this.#lifetime = new Lifetime(hardware.time);
    // The built-in command line is put before the boot line.
    this.#commandLine = `${this.#config["CMDLINE"] ?? ""} ${commandLine}`.trim();
    this.#machine = {
      processors: hardware.processors,
      memoryBytes: hardware.memoryBytes,
      hasHca: hardware.infiniband !== undefined,
    };
    this.#boot().catch((error: unknown) => this.#died(error));
  }

  stop(): Promise<void> {
    this.#lifetime.end();
    return Promise.resolve();
  }

  /** LegoOS says what it was and halts the CPU: nothing is left that could go on (arch/x86/kernel/traps.c). */
  onDiagnosticInterrupt(): void {
    if (this.#lifetime.ended) return;
    this.#lifetime.end();
    this.#console.printk("TRAP do_nmi in CPU0, error_code: 0 current:ffff88107fffa000 1 kernel_init");
  }

  async #boot(): Promise<void> {
    // The boot loader hands over before the machine is told that the kernel runs.
    await this.#lifetime.pause(0);
    for (const line of earlyLines(this.#build, this.#machine, this.#commandLine)) this.#console.printk(line);
    const cache = this.#isOn("COMP_PROCESSOR") ? this.#registerCache() : undefined;
    let nowMs = 0;
    for (const { atMs, text } of lateLines(this.#config, this.#machine)) {
      await this.#lifetime.pause(atMs - nowMs);
      nowMs = atMs;
      this.#console.startClock();
      this.#console.printk(text);
    }
    await this.#lifetime.pause(fitStartMs(this.#machine) - nowMs);
    if (this.#isOn("FIT")) await this.#startManager(cache);
  }

  /** Facts: LegoOS §5: a processor manager needs exactly one memmap range. */
  #registerCache(): MemoryRange {
    const [range, ...extra] = reservedRanges(this.#commandLine);
    if (range === undefined) throw new Panic("Processor cache not registered, memmap $ needed!");
    if (extra.length > 0) throw new Panic("Remove extra memmap from kernel parameters!");
    return range;
  }

  async #startManager(cache: MemoryRange | undefined): Promise<void> {
    const context = await this.#connect();
    if (cache !== undefined) await this.#setUpCache(cache);
    else if (this.#isOn("COMP_MEMORY")) startMemoryManager(context);
    else return;
    await this.#lifetime.pause(20);
    const pinned = this.#isOn("COMP_MEMORY") ? Number(this.#config["THPOOL_NR_WORKERS"]) + 2 : 3;
    this.#console.printk(`Online CPU: ${cpuRange(0, this.#machine.processors)}`);
    this.#console.printk(`Active CPU: ${cpuRange(pinned, this.#machine.processors)}`);
    // Polling threads and workers pin their CPUs; with none left the manager's first thread never runs (facts: LegoOS §7).
    if (pinned >= this.#machine.processors) return;
    this.#console.printk("Manager is up and running.");
    if (cache !== undefined) await runUserProgram(context);
  }

  /** FIT: from the node table to the barrier. */
  async #connect(): Promise<ManagerContext> {
    const { infiniband, shared, node } = this.#hardware;
    const table = checkNodeTable(this.#build.table ?? { hostnames: [], machines: [] });
    for (const complaint of table.complaints) this.#fit(complaint);
    if (table.complaints.length > 0) throw new Panic("Please check your network config!");
    for (const line of fitTableLines(this.#config, table)) this.#fit(line);
    this.#fit("Please wait for enough IB MAD (number: 7) ...");
    if (infiniband === undefined || !infiniband.subnetManager) return forever();
    const fabric = LegoFabric.of(shared);
    fabric.registerPort(infiniband.lid, node);
    await this.#bringPortUp(infiniband.lid, table.nodes[this.#number("FIT_LOCAL_ID")]?.lid);
    await this.#alignQueuePairs();
    const layer = new FitLayer({
      fabric,
      table,
      lid: infiniband.lid,
      constants: this.#fitConstants(),
      initialSleepMs: this.#number("FIT_INITIAL_SLEEP_TIMEOUT") * 1000,
      lifetime: this.#lifetime,
      print: (text) => this.#fit(text),
    });
    await layer.connect();
    this.#fit("FIT layer ready to go!");
    return {
      hardware: this.#hardware,
      build: this.#build,
      console: this.#console,
      lifetime: this.#lifetime,
      fabric,
      lidOf: (id) => table.nodes[id]?.lid,
      panic: (reason) => this.#panic(reason),
    };
  }

  /** The driver's port gets its LID from the subnet manager; the table must agree with it. */
  async #bringPortUp(lid: number, tableLid: number | undefined): Promise<void> {
    await this.#lifetime.pause(managementMessagesMs);
    this.#console.printk("event PORT_CHANGE_UP arrived");
    await this.#lifetime.pause(portUpMs);
    this.#fit("fit_establish_conn() CPU1 port: 1 LID: 0 state: 2");
    this.#fit(`Query returned LID: ${lid}`);
    if (lid === tableLid) return;
    this.#fit(lidMismatch(lid, tableLid ?? 0));
    await forever();
  }

  async #alignQueuePairs(): Promise<void> {
    const first = this.#number("FIT_FIRST_QPN");
    const skipped = Array.from({ length: first - 72 }, (_, index) => ` #${72 + index}`).join("");
    this.#fit(`To align first QPN, we skipped: #72${skipped}`);
    await this.#lifetime.pause(queuePairsMs);
  }

  async #setUpCache(range: MemoryRange): Promise<void> {
    const where = `${virtualAddress(range.start)} 0x${range.size.toString(16)}`;
    this.#console.printk(`before: memset: ${where}`);
    if (!isRam(range, this.#machine.memoryBytes)) throw new Panic("Fatal exception", pageFault(range));
    await this.#lifetime.pause((clearMsPerGigabyte * range.size) / gigabyte);
    this.#console.printk(`After: memset: ${where}`);
    for (const line of cacheLines(range)) this.#console.printk(line);
  }

  #fitConstants(): FitConstants {
    return {
      localId: this.#number("FIT_LOCAL_ID"),
      nodeCount: this.#number("FIT_NR_NODES"),
      firstQpn: this.#number("FIT_FIRST_QPN"),
      qpsPerPair: this.#number("FIT_NR_QPS_PER_PAIR"),
      socketOverInfiniband: this.#isOn("SOCKET_O_IB"),
    };
  }

  #fit(text: string): void {
    this.#console.printk(`fit: ${text}`);
  }

  #isOn(symbol: string): boolean {
    return this.#config[symbol] === "y";
  }

  #number(symbol: string): number {
    return Number(this.#config[symbol]);
  }

  /** Ends everything: the CPU halts, nothing reboots. */
  #panic(reason: string): void {
    this.#lifetime.end();
    this.#console.printk(`Kernel Panic - not syncing: ${reason}`);
    this.#console.printk(`CPU: 0 PID: 1 Comm: kernel_init ${this.#build.release} ${this.#build.version.split(" ")[0]}`);
    this.#console.printk("Call Trace:\n<TSK>\n[<ffffffff81028f6e>] panic+0xc2/0x105\n<EOT>");
    this.#console.printk(`---[ end Kernel panic - not syncing: ${reason}`);
  }

  #died(error: unknown): void {
    if (error instanceof Panic) {
      for (const line of error.before) this.#console.printk(line);
      this.#panic(error.message);
    } else {
      this.#lifetime.end();
      this.#hardware.log.error({ err: error, node: this.#hardware.node }, "the simulated LegoOS kernel failed");
    }
  }
}

/** A wait nothing ends: LegoOS has no other answer to what is missing (facts: LegoOS §6, "Silence is a failure too"). */
function forever(): Promise<never> {
  return new Promise(() => undefined);
}

function pageFault(range: MemoryRange): readonly string[] {
  return [
    `BUG: unable to handle kernel paging request at ${virtualAddress(range.start).slice(2)}`,
    "IP: [<ffffffff8105c3a0>] memset+0x10/0x20",
  ];
}

function cpuRange(from: number, to: number): string {
  if (from >= to) return "";
  return from === to - 1 ? String(from) : `${from}-${to - 1}`;
}
