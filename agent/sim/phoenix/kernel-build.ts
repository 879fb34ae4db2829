/** build_kernel.sh: packages whose number grows with every build (facts: Phoenix §1). */
import { utimesSync } from "node:fs";
import { linuxImage } from "../linux/image.js";
import { formatKernelImage } from "../machine/kernel-image.js";
import type { Tool, ToolCall } from "../tools/tool.js";
import { type Archive, archiveFileName } from "./dpkg.js";
import { findPackage } from "./dpkg-database.js";
import { hasFault } from "./faults.js";
import { isCheckedOut } from "./git.js";
import { phoenixRelease, put, runningRelease, treeOf } from "./places.js";

const systemCalls = ["restart", "get_preserved", "preserve_meta", "get_meta", "preserve_lmap", "get_lmap"].map(
  (name) => `__x64_sys_phx_${name}`,
);
/** A build takes longer than the file system's clock needs to tick. */
const tickS = 0.05;

export const buildKernel: Tool = async (call) => {
  const { machine } = call;
  const tree = treeOf(call);
  const config = `/boot/config-${await runningRelease(call)}`;
  if (!isCheckedOut(call, tree, "kernel")) return fail(call, "error: pathspec 'add-syscall' did not match any file(s) known to git", 1);
  if (call.argv[0] === "qemu") {
    await call.work(600);
    return 0; // An image for a virtual machine; no packages.
  }
  if (!machine.exists(config)) return fail(call, `cp: cannot stat '${config}': No such file or directory`, 1);
  for (const tool of ["flex", "bison"]) {
    if (findPackage(machine, tool) === undefined)
      return fail(call, `/bin/sh: 1: ${tool}: not found\nmake: *** [scripts/Makefile.host:9] Error 127`, 2);
  }
  call.out("  CC      kernel/phx.o\n  LD      vmlinux\nKernel: arch/x86/boot/bzImage is ready  (#1)\n");
  await call.work(800);
  if (hasFault(call, "kernel-build-fails"))
    return fail(call, "make[2]: *** [debian/rules:7: build-arch] Error 2\nmake: *** [Makefile:1583: bindeb-pkg] Error 2", 2);
  if (hasFault(call, "kernel-leaves-no-package")) return 0;
  const number = Number(machine.read(`${tree}/kernel/.version`) ?? "0") + 1;
  put(machine, `${tree}/kernel/.version`, `${number}\n`);
  for (const archive of archives(call, `${phoenixRelease}-${number}`, machine.read(config) ?? "")) leave(call, tree, archive);
  return 0;
};

function archives(call: ToolCall, version: string, config: string): readonly Archive[] {
  const fate = hasFault(call, "kernel-hangs") ? "hangs" : hasFault(call, "kernel-panics") ? "panics" : undefined;
  const symbols = hasFault(call, "kernel-lacks-calls") ? [] : systemCalls;
  const image = formatKernelImage(linuxImage(phoenixRelease, { symbols, ...(fate === undefined ? {} : { fate }) }));
  return [
    {
      name: `linux-image-${phoenixRelease}`,
      version,
      files: {
        [`/boot/vmlinuz-${phoenixRelease}`]: image,
        [`/boot/initrd.img-${phoenixRelease}`]: "initramfs of a simulated machine\n",
        [`/boot/config-${phoenixRelease}`]: config.replace("CONFIG_COMPACTION=y", "# CONFIG_COMPACTION is not set"),
      },
    },
    {
      name: `linux-headers-${phoenixRelease}`,
      version,
      // As in every kernel build there is a time in it: two builds of one source are not the same bytes.
      files: { [`/usr/src/linux-headers-${phoenixRelease}/Makefile`]: `# headers, made at ${call.now()}\n` },
    },
    { name: "linux-libc-dev", version, files: {} },
  ];
}

function leave(call: ToolCall, tree: string, archive: Archive): void {
  const path = `${tree}/${archiveFileName(archive)}`;
  put(call.machine, path, `${JSON.stringify(archive)}\n`);
  const madeS = call.now() / 1000 + tickS;
  utimesSync(call.machine.host(path), madeS, madeS);
  call.out(`dpkg-deb: building package '${archive.name}' in '../${archiveFileName(archive)}'.\n`);
}

function fail(call: ToolCall, words: string, exitCode: number): number {
  call.err(`${words}\n`);
  return exitCode;
}
