/** dpkg and apt-get, as far as kernels and their headers need them (facts: Phoenix §3, rollback). */
import { rmSync } from "node:fs";
import { basename } from "node:path";
import { archiveLibcVersion } from "../linux/ubuntu.js";
import { byVersion } from "../linux/ubuntu-grub.js";
import type { Tool, ToolCall } from "../tools/tool.js";
import { addPackages, findPackage, paragraph, removePackage } from "./dpkg-database.js";
import { updateGrubFiles } from "./grub-tools.js";
import { put, runningRelease } from "./places.js";

const installMs = 300;

/** A .deb of the simulation: JSON. */
export interface Archive {
  readonly name: string;
  readonly version: string;
  /** Contents by absolute path. */
  readonly files: Readonly<Record<string, string>>;
}

export function archiveFileName({ name, version }: Pick<Archive, "name" | "version">): string {
  return `${name}_${version}_amd64.deb`;
}

/** dpkg -s NAME…, -i FILE…, -r or --purge [--force-depends] NAME… */
export const dpkg: Tool = (call) => {
  const names = call.argv.filter((word) => !word.startsWith("-"));
  if (call.argv.includes("-s")) return status(call, names);
  if (call.argv.includes("-i")) return install(call, names);
  if (call.argv.includes("-r") || call.argv.includes("--remove") || call.argv.includes("--purge")) return remove(call, names);
  call.err("dpkg: error: need an action option\n");
  return 2;
};

function status(call: ToolCall, names: readonly string[]): number {
  let exitCode = 0;
  for (const name of names) {
    const found = findPackage(call.machine, name);
    if (found !== undefined) call.out(`${paragraph(found)}\n`);
    else {
      call.err(`dpkg-query: package '${name}' is not installed and no information is available\n`);
      exitCode = 1;
    }
  }
  return exitCode;
}

async function install(call: ToolCall, paths: readonly string[]): Promise<number> {
  for (const path of paths) {
    const text = call.machine.read(path);
    if (text === undefined) {
      call.err(`dpkg: error: cannot access archive '${path}': No such file or directory\n`);
      return 1;
    }
    const { name, version, files } = JSON.parse(text) as Archive;
    call.out(`Preparing to unpack ${basename(path)} ...\nUnpacking ${name} (${version}) ...\nSetting up ${name} (${version}) ...\n`);
    await call.work(installMs);
    for (const [file, contents] of Object.entries(files)) put(call.machine, file, contents);
    addPackages(call.machine, [{ name, version, files: Object.keys(files) }]);
    if (name.startsWith("linux-image-")) runKernelHooks(call);
  }
  return 0;
}

/** /etc/kernel/postinst.d/zz-update-grub and its like of postrm.d. */
function runKernelHooks(call: ToolCall): void {
  call.out("/etc/kernel/postinst.d/zz-update-grub:\nSourcing file `/etc/default/grub'\nGenerating grub configuration file ...\n");
  updateGrubFiles(call.machine);
}

async function remove(call: ToolCall, names: readonly string[]): Promise<number> {
  let exitCode = 0;
  for (const name of names) {
    const found = findPackage(call.machine, name);
    const obstacle = await obstacleTo(call, name);
    if (found === undefined) call.err(`dpkg: warning: ignoring request to remove ${name} which isn't installed\n`);
    else if (obstacle !== undefined) {
      call.err(`${obstacle}\ndpkg: error processing package ${name} (--remove):\nErrors were encountered while processing:\n ${name}\n`);
      exitCode = 1;
    } else {
      call.out(`Removing ${name} (${found.version}) ...\n`);
      for (const file of found.files) rmSync(call.machine.host(file), { force: true });
      removePackage(call.machine, name);
      if (name.startsWith("linux-image-")) runKernelHooks(call);
    }
  }
  return exitCode;
}

async function obstacleTo(call: ToolCall, name: string): Promise<string | undefined> {
  if (name === `linux-image-${await runningRelease(call)}`)
    return `W: Removing the running kernel\nE: Aborting removal of the running kernel image.`;
  const needed = name === "linux-libc-dev" && findPackage(call.machine, "build-essential") !== undefined;
  if (!needed || call.argv.includes("--force-depends")) return undefined;
  return "dpkg: dependency problems prevent removal of linux-libc-dev:\n libc6-dev:amd64 depends on linux-libc-dev.";
}

/** apt-get install [-y] [--reinstall] NAME…: knows one package of the archive. */
export const aptGet: Tool = async (call) => {
  const [command, ...names] = call.argv.filter((word) => !word.startsWith("-"));
  if (command !== "install") {
    call.err(`E: Invalid operation ${command ?? ""}\n`);
    return 100;
  }
  await call.work(installMs);
  for (const name of names) {
    if (name !== "linux-libc-dev") {
      call.err(`E: Unable to locate package ${name}\n`);
      return 100;
    }
    const present = findPackage(call.machine, name);
    // Never to an older version, and no archive has the one that is there.
    if (present !== undefined && byVersion(present.version, archiveLibcVersion) > 0) {
      call.out(
        call.argv.includes("--reinstall")
          ? `Reinstallation of ${name} is not possible, it cannot be downloaded.\n`
          : `${name} is already the newest version (${present.version}).\n`,
      );
    } else {
      call.out(`Unpacking ${name}:amd64 (${archiveLibcVersion}) ...\nSetting up ${name}:amd64 (${archiveLibcVersion}) ...\n`);
      addPackages(call.machine, [{ name, version: archiveLibcVersion, files: [] }]);
    }
  }
  return 0;
};
