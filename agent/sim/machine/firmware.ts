/** What the firmware of a machine says on its serial port once it has tested itself. */
import { cpuModel } from "../linux/processor.js";

export function firmwareBanner(machine: {
  node: string;
  arch: string;
  processors: number;
  memoryBytes: number;
  infiniband: boolean;
}): string {
  const lines = [
    "\x1b[2J\x1b[H",
    "labd simulated BIOS 2.1.3",
    "",
    `System: ${machine.node}`,
    `CPU: ${cpuModel(machine.arch)}`,
    `Number of logical processors: ${machine.processors}`,
    `System Memory Size: ${Math.round(machine.memoryBytes / 2 ** 30)} GB`,
    ...(machine.infiniband ? ["Mellanox ConnectX-3 FlexBoot v3.4.752"] : []),
    "",
    "Booting from Hard drive C:",
    "",
  ];
  return lines.join("\n");
}
