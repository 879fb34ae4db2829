/** What `make install` does on CentOS 7, where /sbin/installkernel exists, and where it does not (facts: LegoOS §5). */
import { copyFileSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import type { Tool, ToolCall } from "./tool.js";

export const installKernelPath = "/sbin/installkernel";
const grubFiles = ["/boot/grub2/grub.cfg", "/boot/grub/grub.cfg"];

interface Installation {
  readonly release: string;
  /** Paths as the machine sees them, relative to its working directory. */
  readonly image: string;
  readonly map: string;
}

/** Copies the image into /boot. Never makes it the default. */
export function installKernelImage(call: ToolCall, installation: Installation): number {
  const { machine } = call;
  mkdirSync(machine.host("/boot"), { recursive: true });
  if (!machine.exists(installKernelPath)) {
    copyFileSync(machine.host(installation.image), machine.host("/boot/vmImage-LegoOS"));
    call.out("Cannot find LILO.\n");
    return 0;
  }
  replace(call, `/boot/vmlinuz-${installation.release}`, installation.image);
  replace(call, `/boot/System.map-${installation.release}`, installation.map);
  addMenuEntry(call, installation.release);
  return 0;
}

/** installkernel RELEASE IMAGE MAP [DIRECTORY] */
export const installKernel: Tool = (call) => {
  const [release, image, map] = call.argv;
  if (release === undefined || image === undefined || map === undefined) {
    call.err("Usage: installkernel <kernel_version> <bootimage> <mapfile>\n");
    return 1;
  }
  return installKernelImage(call, { release, image, map });
};

/** An older file of the name is kept as .old. */
function replace(call: ToolCall, target: string, source: string): void {
  const { machine } = call;
  if (machine.exists(target)) renameSync(machine.host(target), machine.host(`${target}.old`));
  copyFileSync(machine.host(source), machine.host(target));
}

/** grubby puts a copy of the first entry before it, with the new kernel and without an initrd; once per release. */
function addMenuEntry(call: ToolCall, release: string): void {
  const { machine } = call;
  const file = grubFiles.find((each) => machine.exists(each));
  const text = file === undefined ? undefined : machine.read(file);
  if (file === undefined || text === undefined || text.includes(`/vmlinuz-${release} `)) return;
  const first = /^menuentry '.*?\n\}\n/ms.exec(text);
  if (first === null) return;
  const entry = first[0]
    .replace(/^menuentry '[^']*'/, `menuentry 'CentOS Linux (${release}) 7 (Core)'`)
    .replace(/\$menuentry_id_option '[^']*'/, `$menuentry_id_option 'gnulinux-${release}-advanced'`)
    .replace(/(\/vmlinuz-)\S+/, (_, head: string) => `${head}${release}`)
    .replace(/^\s*initrd\S*\s.*\n/m, "");
  writeFileSync(machine.host(file), `${text.slice(0, first.index)}${entry}${text.slice(first.index)}`);
}
