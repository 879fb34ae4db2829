/** What a LegoOS kernel prints from its banner to the start of FIT: the lines that carry meaning, at the times of the authors' log. Pure. */
import type { LegoBuild } from "./image.js";
import { ramRanges } from "./memmap.js";
import type { CheckedTable } from "./node-table.js";

export interface TimedLine {
  /** Since the kernel started, in machine milliseconds. */
  readonly atMs: number;
  readonly text: string;
}

export interface BootedMachine {
  readonly processors: number;
  readonly memoryBytes: number;
  readonly hasHca: boolean;
}

/** Before the clock runs: banner, command line, memory. */
export function earlyLines(build: LegoBuild, machine: BootedMachine, commandLine: string): readonly string[] {
  const { config } = build;
  return [
    `LegoOS version ${build.release} (${build.builder}) (gcc version 4.8.5 20150623 (Red Hat 4.8.5-11) (GCC) ) ${build.version}`,
    `Command line: ${commandLine}`,
    "e820: BIOS-provided physical RAM map:",
    ...ramRanges(machine.memoryBytes).map(({ start, size }) => `BIOS-e820: [mem ${hex(start)}-${hex(start + size - 1)}] usable`),
    "ACPI: Using ACPI (MADT) for SMP configuration",
    "x86: setup_arch done",
    `NR_CPUS:${config["NR_CPUS"] ?? "64"} nr_cpumask_bits:64 nr_cpu_ids:${machine.processors} nr_node_ids:1`,
    "futex_cmpxchg_enabled: 1",
    ...(config["COMP_MEMORY"] === "y"
      ? ["Memory: thpool_buffer [ffff88013fb00000 - 0xffff88017fc00000] 40100000 bytes nr:256 size:4198400"]
      : []),
  ];
}

function hex(address: number): string {
  return `0x${address.toString(16).padStart(16, "0")}`;
}

/** From the calibrated clock to the HCA. */
export function lateLines(config: LegoBuild["config"], machine: BootedMachine): readonly TimedLine[] {
  const { processors } = machine;
  const others = Array.from({ length: processors - 1 }, (_, index) => `#${index + 1}`).join(" ");
  const lines: TimedLine[] = [
    { atMs: 4_295, text: "TSC: Detected 2400.055 MHz processor" },
    { atMs: 4_298, text: "Calibrating delay loop (skipped), value calculated using timer frequency.. " },
    { atMs: 4_299, text: "Scheduler is up and running" },
    ...(processors > 1
      ? [
          { atMs: 4_683, text: "x86: Booting SMP configuration:" },
          { atMs: 4_684, text: `.... node  #0, CPUs:      ${others}` },
        ]
      : []),
    { atMs: 4_688, text: `x86: Booted up 1 node, ${processors} CPUs` },
    { atMs: 4_690, text: "PCI: Probing PCI hardware" },
  ];
  return machine.hasHca && config["INFINIBAND"] === "y" ? [...lines, ...hcaLines] : lines;
}

const hcaLines: readonly TimedLine[] = [
  { atMs: 4_844, text: "pci 0000:00:08.0: [15b3:1003] type 00 class 0x028000" },
  { atMs: 4_863, text: "mlx4_core: Initializing 0000:00:08.0" },
  { atMs: 5_871, text: "mlx4_core: FW version 2.35.5100 (cmd intf rev 3), max commands 16" },
  { atMs: 12_343, text: "mlx4_core: NOP command IRQ test passed" },
  { atMs: 12_345, text: "<mlx4_ib> mlx4_ib_add: mlx4_ib: Mellanox ConnectX InfiniBand driver v1.0 (April 4, 2008)" },
  { atMs: 12_376, text: "ib_cm: cm_add_one(): device 0000:00:08.0" },
];

/** When FIT starts. Without an adapter there is nothing to wait for before it. */
export function fitStartMs(machine: BootedMachine): number {
  return machine.hasHca ? 12_723 : 4_900;
}

/** The constants and the node table, as FIT prints them behind "fit: ". */
export function fitTableLines(config: LegoBuild["config"], table: CheckedTable): readonly string[] {
  const value = (name: string) => config[name] ?? "";
  const rows = table.nodes.map((machine, node) => {
    const [id, lid, qpn] = [String(node).padStart(6), String(machine?.lid ?? 0).padStart(3), value("FIT_FIRST_QPN").padStart(3)];
    return `***    ${id}    ${machine?.hostname}    ${lid}    ${qpn}${String(node) === value("FIT_LOCAL_ID") ? " <---" : ""}`;
  });
  return [
    "***",
    `***  FIT_initial_timeout_s:   ${value("FIT_INITIAL_SLEEP_TIMEOUT")}`,
    `***  FIT_LOCAL_ID:            ${value("FIT_LOCAL_ID")}`,
    `***  FIT_FIRST_QPN:           ${value("FIT_FIRST_QPN")}`,
    `***  FIT_NR_QPS_PER_PAIR:     ${value("FIT_NR_QPS_PER_PAIR")}`,
    `***  FIT_MAX_SEND_WR:         ${value("FIT_MAX_OUTSTANDING_SEND")}`,
    "***",
    "***    NodeID    Hostname    LID    QPN",
    "***    -------------------------------------",
    ...rows,
    "***",
  ];
}
