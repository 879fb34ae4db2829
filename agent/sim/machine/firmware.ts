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
  ];
  return lines.join("\n");
}

export const diskBoot = "Booting from Hard drive C:\n";

/** An attempt to boot from elsewhere than the disk; nothing is there, so it ends in the disk's turn. */
export interface OtherBoot {
  readonly begins: string;
  /** Machine time; undefined = it never does: somebody at the screen has to go on. */
  readonly failsAfterMs: number | undefined;
  readonly fails: string;
}

const dhcpMs = 30_000;
const spinUpMs = 5_000;

/** What the firmware does with the device it was told to boot from; undefined = the disk, as always. */
export function otherBoot(device: string): OtherBoot | undefined {
  switch (device) {
    case "none":
    case "disk":
    case "diskSafeMode":
      return undefined;
    case "pxe":
      return {
        begins: "Booting from Integrated NIC 1: DHCP...\n",
        failsAfterMs: dhcpMs,
        fails: "PXE-E51: No DHCP or proxyDHCP offers were received.\nPXE-M0F: Exiting boot agent.\n\n",
      };
    case "setup":
      return { begins: "Entering System Setup\n", failsAfterMs: undefined, fails: "" };
    default:
      return { begins: `Booting from ${device}\n`, failsAfterMs: spinUpMs, fails: "No boot device available\n\n" };
  }
}
