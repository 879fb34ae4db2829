/** /proc and friends of a simulated Linux, as contents by path: whoever reads facts from files reads this machine's, not the host's. */
import { buildVersion, type LinuxIdentity, versionLine } from "./boot-messages.js";
import { cpuInfo } from "./processor.js";

/** Files that stay the same from boot to boot's end, by path below "/". */
export function pseudoFiles(machine: LinuxIdentity, bootId: string): Readonly<Record<string, string>> {
  return {
    "proc/version": `${versionLine(machine.release)}\n`,
    "proc/cmdline": `${machine.commandLine}\n`,
    "proc/cpuinfo": Array.from({ length: machine.processors }, (_, index) => cpuInfo(machine.arch, index, machine.processors)).join("\n"),
    "proc/meminfo": memoryInfo(machine.memoryBytes),
    "proc/mounts": "/dev/sda2 / xfs rw,relatime,attr2,inode64,noquota 0 0\nproc /proc proc rw,relatime 0 0\n",
    "proc/sys/kernel/random/boot_id": `${bootId}\n`,
    "proc/sys/kernel/ostype": "Linux\n",
    "proc/sys/kernel/osrelease": `${machine.release}\n`,
    "proc/sys/kernel/version": `${buildVersion}\n`,
    // Newer than this kernel, but where there is none the host's own architecture would show.
    "proc/sys/kernel/arch": `${machine.arch}\n`,
    "proc/sys/kernel/hostname": `${machine.node}\n`,
  };
}

/** Below "/": whether address spaces are randomized. */
export const aslrPath = "proc/sys/kernel/randomize_va_space";

/** `/proc/kallsyms`: a few of what every kernel has, and more. */
export function symbolsFile(more: readonly string[]): string {
  const names = ["startup_64", "__x64_sys_read", "__x64_sys_write", "__x64_sys_kexec_load", ...more];
  return names.map((name, index) => `${(0xffffffff81000000n + BigInt(index) * 0x1000n).toString(16)} T ${name}\n`).join("");
}

/** `/proc/uptime`: seconds since boot, and idle seconds summed over the processors. */
export function uptimeFile(uptimeMs: number, processors: number): string {
  return `${(uptimeMs / 1000).toFixed(2)} ${((uptimeMs / 1000) * processors).toFixed(2)}\n`;
}

export interface LoadedModule {
  readonly name: string;
  readonly sizeBytes: number;
}

/** `/proc/modules`, last loaded first. */
export function modulesFile(modules: readonly LoadedModule[]): string {
  const lines = modules.map(({ name, sizeBytes }, index) => {
    const address = (0xffffffffa0000000n + BigInt(index) * 0x100000n).toString(16);
    return `${name} ${sizeBytes} 0 - Live 0x${address}\n`;
  });
  return lines.reverse().join("");
}

function memoryInfo(memoryBytes: number): string {
  const total = Math.floor(memoryBytes / 1024);
  const sizes: readonly [string, number][] = [
    ["MemTotal", total],
    ["MemFree", Math.floor(total * 0.93)],
    ["MemAvailable", Math.floor(total * 0.95)],
    ["Buffers", 2108],
    ["Cached", Math.floor(total * 0.02)],
    ["SwapTotal", 0],
    ["SwapFree", 0],
  ];
  return sizes.map(([name, kilobytes]) => `${`${name}:`.padEnd(16)}${String(kilobytes).padStart(8)} kB\n`).join("");
}
