/** What a Linux kernel says while it boots, in order; times are real-machine milliseconds of its clock. Only the lines somebody looks for. */
import { cpuModel } from "./processor.js";

export interface LinuxIdentity {
  readonly node: string;
  readonly arch: string;
  readonly release: string;
  readonly commandLine: string;
  readonly processors: number;
  readonly memoryBytes: number;
  readonly infiniband: boolean;
}

export const buildVersion = "#1 SMP Thu Nov 19 22:10:57 UTC 2015";
const compiler = "gcc version 4.8.5 20150623 (Red Hat 4.8.5-4) (GCC)";

/** `/proc/version`, and the first line of the kernel's log. */
export function versionLine(release: string): string {
  return `Linux version ${release} (builder@kbuilder.dev.centos.org) (${compiler} ) ${buildVersion}`;
}

export function bootMessages(machine: LinuxIdentity): readonly { readonly atMs: number; readonly text: string }[] {
  const kilobytes = Math.round(machine.memoryBytes / 1024);
  const isArm = machine.arch === "aarch64";
  const platform = isArm
    ? [
        "Boot CPU: AArch64 Processor [410fd034]",
        "Machine model: Libre Computer Board AML-S905X-CC",
        `Kernel command line: ${machine.commandLine}`,
      ]
    : [
        `Command line: ${machine.commandLine}`,
        "e820: BIOS-provided physical RAM map:",
        "DMI: Dell Inc. PowerEdge R730/0H21J3, BIOS 2.1.3 02/24/2016",
      ];
  const messages: [atMs: number, text: string][] = [
    [0, "Initializing cgroup subsys cpuset"],
    [0, versionLine(machine.release)],
    ...platform.map((text): [number, string] => [0, text]),
    ...(isArm ? [] : ([[0, `Kernel command line: ${machine.commandLine}`]] as [number, string][])),
    [0, `Memory: ${kilobytes}k/${kilobytes}k available`],
    [210, "Console: colour VGA+ 80x25"],
    [260, isArm ? "CPU: All CPU(s) started at EL2" : `smpboot: CPU0: ${cpuModel(machine.arch)} (fam: 06, model: 3f, stepping: 02)`],
    [740, isArm ? `SMP: Total of ${machine.processors} processors activated.` : `x86: Booted up 1 node, ${machine.processors} CPUs`],
    [1180, "Serial: 8250/16550 driver, 4 ports, IRQ sharing enabled"],
    [1205, "00:05: ttyS1 at I/O 0x2f8 (irq = 3) is a 16550A"],
    [1230, "00:06: ttyS0 at I/O 0x3f8 (irq = 4) is a 16550A"],
    [2310, "XFS (sda2): Mounting V4 Filesystem"],
    [2690, "XFS (sda2): Ending clean mount"],
    [3400, `systemd[1]: Detected architecture ${isArm ? "arm64" : "x86-64"}.`],
    [3420, `systemd[1]: Set hostname to <${machine.node}>.`],
  ];
  if (machine.infiniband) {
    messages.push([5230, "mlx4_core: Mellanox ConnectX core driver v2.2-1 (Feb, 2014)"]);
    messages.push([5240, "mlx4_core: Initializing 0000:04:00.0"]);
    messages.push([11830, "<mlx4_ib> mlx4_ib_add: mlx4_ib: Mellanox ConnectX InfiniBand driver v2.2-1 (Feb 2014)"]);
  }
  return messages.map(([atMs, text]) => ({ atMs, text }));
}
