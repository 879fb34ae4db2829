/**
 * Kconfig symbols of a manager (facts: LegoOS §1) and the only unattended way to set them that works (§2): write them into
 * .config, run `make olddefconfig`, read .config again and compare every one.
 */
import type { Cluster, Manager } from "./cluster.js";
import type { LegoParameters } from "./parameters.js";

/** Symbol without CONFIG_ → value as .config spells it: y, n, 80, "text". */
export type Symbols = Readonly<Record<string, string>>;

/** Every symbol a manager of this cluster depends on. */
export function wantedSymbols(manager: Manager, cluster: Cluster, parameters: LegoParameters, ramfsObject: string): Symbols {
  const isProcessor = manager.role === "processor";
  const withStorage = cluster.storage !== undefined;
  const { line, baudRate } = manager.console;
  return {
    LOCALVERSION: quoted(manager.localVersion),
    CMDLINE_BOOL: "n",
    COMP_PROCESSOR: yes(isProcessor),
    COMP_MEMORY: yes(!isProcessor),
    DEFAULT_MEM_NODE: String(cluster.memory.id),
    // Without storage any id in range will do: nothing is sent to it.
    DEFAULT_STORAGE_NODE: String(cluster.storage?.id ?? cluster.memory.id),
    USE_RAMFS: yes(!withStorage),
    ...(isProcessor ? { DEBUG_KERNEL: "y", DEBUG_EXIT: "y" } : { THPOOL_NR_WORKERS: "1" }),
    ...(isProcessor || withStorage ? {} : { RAMFS_OBJECT_FILE: quoted(ramfsObject) }),
    INFINIBAND: "y",
    E1000: "n",
    LWIP: "n",
    FIT: "y",
    FIT_LOCAL_ID: String(manager.id),
    FIT_NR_NODES: String(cluster.members.length),
    FIT_FIRST_QPN: String(parameters.fitFirstQpn),
    FIT_NR_QPS_PER_PAIR: String(parameters.fitQpsPerPair),
    FIT_INITIAL_SLEEP_TIMEOUT: String(parameters.fitInitialSleepS),
    FIT_MAX_OUTSTANDING_SEND: "1",
    FIT_NR_RECVCQ_POLLING_THREADS: "1",
    SOCKET_O_IB: "n",
    TTY_VT: "n",
    TTY_SERIAL: "y",
    TTY_SERIAL_TTYS0: yes(line === "ttyS0"),
    TTY_SERIAL_TTYS1: yes(line === "ttyS1"),
    TTY_SERIAL_BAUD9600: yes(baudRate === 9600),
    TTY_SERIAL_BAUD115200: yes(baudRate === 115200),
    DISTRIBUTED_VMA: "n",
    GPM: "n",
    GMM: "n",
    GSM: "n",
  };
}

/** Sets the symbols in the text of a .config: in place where they stand, at the end where they do not. */
export function setSymbols(text: string, wanted: Symbols): string {
  const left = new Map(Object.entries(wanted));
  const lines: string[] = [];
  for (const line of text.replace(/\n$/, "").split("\n")) {
    const symbol = symbolOf(line);
    const value = symbol === undefined ? undefined : wanted[symbol];
    if (symbol === undefined || value === undefined) lines.push(line);
    else if (left.delete(symbol)) lines.push(assignment(symbol, value));
  }
  for (const [symbol, value] of left) lines.push(assignment(symbol, value));
  return `${lines.join("\n")}\n`;
}

/** Symbols that are not as wanted, in words: "CONFIG_FIT_LOCAL_ID is 0, wanted 1". A symbol that is not there is n. */
export function compareSymbols(text: string, wanted: Symbols): string[] {
  const found = readSymbols(text);
  return Object.entries(wanted)
    .filter(([symbol, value]) => (found.get(symbol) ?? "n") !== value)
    .map(([symbol, value]) => `CONFIG_${symbol} is ${found.get(symbol) ?? "not there"}, wanted ${value}`);
}

export function readSymbols(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split("\n")) {
    const symbol = symbolOf(line);
    if (symbol !== undefined) found.set(symbol, line.startsWith("#") ? "n" : line.slice(line.indexOf("=") + 1).trim());
  }
  return found;
}

function symbolOf(line: string): string | undefined {
  return (/^CONFIG_(\w+)=/.exec(line) ?? /^# CONFIG_(\w+) is not set$/.exec(line))?.[1];
}

function assignment(symbol: string, value: string): string {
  return value === "n" ? `# CONFIG_${symbol} is not set` : `CONFIG_${symbol}=${value}`;
}

function quoted(text: string): string {
  return `"${text}"`;
}

function yes(condition: boolean): string {
  return condition ? "y" : "n";
}
