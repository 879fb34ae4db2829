/** The Kconfig symbols of the stand-in tree: names, types, defaults, conditions (facts: LegoOS §1). No I/O, no state. */

/** Value of a symbol as .config spells it without quotes: "y", "n", "80", "-lego"; "" = no value. */
export type ValueOf = (symbol: string) => string;

export interface KconfigSymbol {
  readonly name: string;
  readonly type: "bool" | "int" | "string";
  readonly menu: string;
  /** Asked as a question, and settable in .config; without it the symbol only ever has its default. */
  readonly prompt: string | undefined;
  readonly defaultValue: (value: ValueOf) => string;
  readonly dependsOn: (value: ValueOf) => boolean;
  /** Inclusive. */
  readonly range: readonly [number, number] | undefined;
  /** Exactly one member of a choice is y; the one whose default is y when none is chosen. */
  readonly choice: string | undefined;
}

interface Options {
  readonly default?: string | ((value: ValueOf) => string);
  readonly when?: (value: ValueOf) => boolean;
  readonly range?: readonly [number, number];
  readonly choice?: string;
}

const on =
  (symbol: string) =>
  (value: ValueOf): boolean =>
    value(symbol) === "y";
const isProcessor = on("COMP_PROCESSOR");
const isMemory = on("COMP_MEMORY");
const hasComponent = (value: ValueOf): boolean => isProcessor(value) || isMemory(value);
const both =
  (...conditions: readonly ((value: ValueOf) => boolean)[]) =>
  (value: ValueOf): boolean =>
    conditions.every((condition) => condition(value));

function make(menu: string, type: KconfigSymbol["type"], name: string, prompt: string | undefined, options: Options): KconfigSymbol {
  const fallback = options.default ?? (type === "bool" ? "n" : "");
  return {
    name,
    type,
    menu,
    prompt,
    defaultValue: typeof fallback === "string" ? () => fallback : fallback,
    dependsOn: options.when ?? (() => true),
    range: options.range,
    choice: options.choice,
  };
}

const inMenu = (menu: string) => ({
  bool: (name: string, prompt: string | undefined, options: Options = {}) => make(menu, "bool", name, prompt, options),
  int: (name: string, prompt: string | undefined, options: Options = {}) => make(menu, "int", name, prompt, options),
  string: (name: string, prompt: string | undefined, options: Options = {}) => make(menu, "string", name, prompt, options),
});

const platform = inMenu("");
const misc = inMenu("Misc Configurations");
const debug = inMenu("Basic Kernel Debug and Trace Options");
const cpu = inMenu("Processor type and features");
const tty = inMenu("TTY Layer Configurations");
const drivers = inMenu("InfiniBand and Ethernet");
const processor = inMenu("Lego Processor Component Configurations");
const memory = inMenu("Lego Memory Component Configurations");
const general = inMenu("General Manager Config/Debug Options");
const network = inMenu("Networking");
const vma = inMenu("vma relevant configuration, debug, and test");

/** In the order of the menus, which is the order questions are asked in. */
export const symbols: readonly KconfigSymbol[] = [
  platform.bool("64BIT", undefined, { default: "y" }),
  platform.bool("X86_64", undefined, { default: "y" }),
  platform.string("ARCH_DEFCONFIG", undefined, { default: "arch/x86/configs/x86_64_defconfig" }),

  misc.int("INIT_ENV_ARG_LIMIT", undefined, { default: "32" }),
  misc.string("LOCALVERSION", "Local version - append to kernel release", { default: "-lego" }),
  misc.bool("LOCALVERSION_AUTO", "Automatically append version information to the version string"),
  misc.bool("CMDLINE_BOOL", "Built-in kernel command line"),
  misc.string("CMDLINE", "Built-in kernel command string", { when: on("CMDLINE_BOOL") }),

  debug.bool("DEBUG_KERNEL", "Enable kernel debug"),
  debug.bool("DEBUG_EXIT", "Debug exit", { when: on("DEBUG_KERNEL") }),
  debug.bool("STRACE", "Trace syscalls", { when: on("DEBUG_KERNEL") }),
  debug.bool("SOFT_WATCHDOG", "Soft watchdog", { when: on("DEBUG_KERNEL") }),
  debug.int("SOFT_WATCHDOG_INTERVAL_SEC", "Soft watchdog interval", {
    when: on("SOFT_WATCHDOG"),
    default: (value) => (isMemory(value) ? "5" : "10"),
  }),

  cpu.int("NR_CPUS", "Maximum number of CPUs", { default: "64", range: [2, 512] }),
  cpu.bool("NUMA_USE_ONE_SOCKET", "Use only one NUMA socket", { default: "y" }),
  cpu.bool("HZ_100", "100 HZ", { choice: "timer frequency", default: "y" }),
  cpu.bool("HZ_250", "250 HZ", { choice: "timer frequency" }),
  cpu.bool("HZ_300", "300 HZ", { choice: "timer frequency" }),
  cpu.bool("HZ_1000", "1000 HZ", { choice: "timer frequency" }),
  cpu.int("HZ", undefined, {
    default: (value) => ["100", "250", "300", "1000"].find((rate) => value(`HZ_${rate}`) === "y") ?? "100",
  }),

  tty.bool("TTY_VT", "Virtual terminal"),
  tty.bool("TTY_SERIAL", "Serial terminal", { default: "y" }),
  tty.bool("TTY_SERIAL_TTYS0", "ttyS0", { when: on("TTY_SERIAL"), choice: "serial port" }),
  tty.bool("TTY_SERIAL_TTYS1", "ttyS1", { when: on("TTY_SERIAL"), choice: "serial port", default: "y" }),
  tty.bool("TTY_SERIAL_BAUD9600", "9600", { when: on("TTY_SERIAL"), choice: "baud rate" }),
  tty.bool("TTY_SERIAL_BAUD115200", "115200", { when: on("TTY_SERIAL"), choice: "baud rate", default: "y" }),

  drivers.bool("INFINIBAND", "InfiniBand support", { default: "y" }),
  drivers.bool("E1000", "Intel(R) PRO/1000 Gigabit Ethernet support"),

  processor.bool("COMP_PROCESSOR", "Configure Lego as processor component"),
  processor.bool("CHECKPOINT", "Checkpointing", { when: isProcessor }),
  processor.bool("PROCESSOR_MEMMAP_MEMBLOCK_RESERVED", undefined, { when: isProcessor, default: "y" }),
  processor.bool("REPLICATION_MEMORY", "Replicate memory", { when: isProcessor }),
  processor.bool("PCACHE_ZEROFILL", "Zero fill", { when: isProcessor, default: "y" }),
  processor.bool("PCACHE_ZEROFILL_NOTIFY_MEMORY", "Notify memory of zero fill", { when: isProcessor }),
  processor.bool("PCACHE_EVICT_RANDOM", "Random", { when: isProcessor, choice: "eviction algorithm" }),
  processor.bool("PCACHE_EVICT_FIFO", "FIFO", { when: isProcessor, choice: "eviction algorithm" }),
  processor.bool("PCACHE_EVICT_LRU", "LRU", { when: isProcessor, choice: "eviction algorithm", default: "y" }),
  processor.bool("PCACHE_EVICT_GENERIC_SWEEP", "Sweep thread", { when: both(isProcessor, on("PCACHE_EVICT_LRU")) }),
  processor.bool("PCACHE_EVICTION_WRITE_PROTECT", "Write protect", { when: isProcessor, choice: "eviction mechanism" }),
  processor.bool("PCACHE_EVICTION_PERSET_LIST", "Per-set list", { when: isProcessor, choice: "eviction mechanism", default: "y" }),
  processor.bool("PCACHE_EVICTION_VICTIM", "Victim cache", { when: isProcessor, choice: "eviction mechanism" }),
  processor.bool("PCACHE_PREFETCH", "Prefetch", { when: isProcessor }),
  processor.bool("GPM", "Global processor monitor", { when: isProcessor }),
  processor.int("GPM_NODEID", "Node ID of the global processor monitor", { when: on("GPM"), default: "3" }),

  memory.bool("COMP_MEMORY", "Configure Lego as memory component"),
  memory.bool("MEM_PREFETCH", "Prefetch", { when: isMemory }),
  memory.int("THPOOL_NR_WORKERS", "Number of worker threads", { when: isMemory, default: "1", range: [1, 16] }),
  memory.bool("REPLICATION_VMA", "Replicate VMAs", { when: isMemory }),
  memory.int("REPLICATION_MEMORY_BATCH_NR", "Batch of replicated pages", { when: isMemory, default: "256" }),
  memory.bool("GMM", "Global memory monitor", { when: isMemory }),
  memory.int("GMM_NODEID", "Node ID of the global memory monitor", { when: on("GMM"), default: "3" }),

  general.int("DEFAULT_MEM_NODE", "Default home memory node ID", { when: hasComponent }),
  general.int("DEFAULT_STORAGE_NODE", "Default storage node ID", { when: hasComponent }),
  general.bool("USE_RAMFS", "Use RAMFS instead of a storage node", { when: hasComponent, default: "y" }),
  general.string("RAMFS_OBJECT_FILE", "Static ELF linked into the memory manager", {
    when: both(isMemory, on("USE_RAMFS")),
    default: "usr/general.o",
  }),
  general.bool("GSM", "Global storage monitor"),
  general.int("GSM_NODEID", "Node ID of the global storage monitor", { when: on("GSM"), default: "3" }),

  network.bool("LWIP", "lwIP"),
  network.bool("FIT", "FIT: LegoOS's network layer over InfiniBand", { when: on("INFINIBAND"), default: "y" }),
  network.int("FIT_FIRST_QPN", "First QP number", { when: on("FIT"), default: "80", range: [80, 100] }),
  network.int("FIT_MAX_RPC_TIMEOUT_SEC", "Longest RPC", { when: on("FIT"), default: "60", range: [1, 300] }),
  network.int("FIT_NR_QPS_PER_PAIR", "QPs per pair of nodes", { when: on("FIT"), default: "12", range: [4, 24] }),
  network.int("FIT_NR_RECVCQ_POLLING_THREADS", "Polling threads", { when: on("FIT"), default: "1", range: [1, 4] }),
  network.int("FIT_MAX_OUTSTANDING_SEND", "Outstanding sends", {
    when: on("FIT"),
    default: (value) => (hasComponent(value) ? "24" : "1"),
    range: [1, 24],
  }),
  network.bool("FIT_SEQUENTIAL_IBAPI", "One ibapi call at a time", { when: both(on("FIT"), on("DEBUG_KERNEL")) }),
  network.int("FIT_INITIAL_SLEEP_TIMEOUT", "Seconds to wait before the ring message", { when: on("FIT"), default: "10" }),
  network.int("FIT_NR_NODES", "Number of nodes", { when: on("FIT"), default: "2" }),
  network.int("FIT_LOCAL_ID", "ID of this node", { when: on("FIT"), default: "0" }),
  network.bool("SOCKET_O_IB", "Sockets over InfiniBand", { when: on("FIT") }),

  vma.bool("DISTRIBUTED_VMA", "Distributed VMA"),
  vma.bool("DISTRIBUTED_VMA_PROCESSOR", "Processor side", { when: both(isProcessor, on("DISTRIBUTED_VMA")) }),
  vma.bool("DISTRIBUTED_VMA_MEMORY", "Memory side", { when: both(isMemory, on("DISTRIBUTED_VMA")) }),
  vma.int("VM_GRANULARITY_ORDER", "Granularity order", { when: on("DISTRIBUTED_VMA"), default: "30" }),
  vma.int("MEM_NR_NODES", "Number of memory nodes", { when: on("DISTRIBUTED_VMA"), default: "1" }),
];

export const symbolByName: ReadonlyMap<string, KconfigSymbol> = new Map(symbols.map((symbol) => [symbol.name, symbol]));
