/** An installation of Ubuntu 22.04 Server: what a disk has beyond what every Linux's has. */
import { createHash } from "node:crypto";
import { formatEnvironmentBlock } from "../machine/environment-block.js";
import { formatKernelImage } from "../machine/kernel-image.js";
import { osRelease } from "./distribution.js";
import { linuxImage } from "./image.js";
import type { LinuxInstallation } from "./seed-root.js";
import { ubuntuGrubConfig } from "./ubuntu-grub.js";

/** Of the linux-libc-dev that its archive has. */
export const archiveLibcVersion = "5.15.0-91.101";

/** Files of the installation, contents by path below "/". */
export function ubuntuFiles({ node, release, consoleLine, baudRate }: LinuxInstallation): Readonly<Record<string, string | Uint8Array>> {
  const uuid = uuidOf(node);
  const commandLine = `console=tty0 console=${consoleLine},${baudRate}n8`;
  return {
    [`boot/vmlinuz-${release}`]: formatKernelImage(linuxImage(release)),
    [`boot/initrd.img-${release}`]: "initramfs of a simulated machine\n",
    [`boot/config-${release}`]: 'CONFIG_SYSTEM_TRUSTED_KEYS="debian/canonical-certs.pem"\nCONFIG_DEBUG_INFO=y\nCONFIG_COMPACTION=y\n',
    "boot/grub/grub.cfg": ubuntuGrubConfig({ releases: [release], uuid, defaultEntry: "0", timeout: "0", commandLine }),
    "boot/grub/grubenv": formatEnvironmentBlock(new Map()),
    "etc/default/grub": defaultGrub(commandLine),
    "etc/hostname": `${node}\n`,
    "etc/os-release": osRelease.ubuntu,
    "etc/fstab": `UUID=${uuid} / ext4 defaults 0 1\n`,
    "etc/sysctl.conf": "#\n# /etc/sysctl.conf - Configuration file for setting system variables\n#\n#net.ipv4.ip_forward=1\n",
  };
}

function uuidOf(node: string): string {
  const digits = createHash("sha256").update(`root of ${node}`).digest("hex");
  return [digits.slice(0, 8), digits.slice(8, 12), `4${digits.slice(13, 16)}`, `9${digits.slice(17, 20)}`, digits.slice(20, 32)].join("-");
}

function defaultGrub(commandLine: string): string {
  return `# If you change this file, run 'update-grub' afterwards to update
# /boot/grub/grub.cfg.
GRUB_DEFAULT=0
GRUB_TIMEOUT_STYLE=hidden
GRUB_TIMEOUT=0
GRUB_DISTRIBUTOR=\`lsb_release -i -s 2> /dev/null || echo Debian\`
GRUB_CMDLINE_LINUX_DEFAULT="quiet splash"
GRUB_CMDLINE_LINUX="${commandLine}"
`;
}
