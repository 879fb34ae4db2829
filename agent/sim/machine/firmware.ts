/** What the firmware of a machine says on its serial port once it has tested itself. */
export function firmwareBanner(machine: { node: string; processors: number; memoryBytes: number; infiniband: boolean }): string {
  const lines = [
    "\x1b[2J\x1b[H",
    "labd simulated BIOS 2.1.3",
    "",
    `System: ${machine.node}`,
    "CPU: Intel(R) Xeon(R) CPU E5-2620 v3 @ 2.40GHz",
    `Number of logical processors: ${machine.processors}`,
    `System Memory Size: ${Math.round(machine.memoryBytes / 2 ** 30)} GB`,
    ...(machine.infiniband ? ["Mellanox ConnectX-3 FlexBoot v3.4.752"] : []),
    "",
    "Booting from Hard drive C:",
    "",
  ];
  return lines.join("\n");
}
