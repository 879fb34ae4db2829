/** Lays the stand-in LegoOS tree, and what else a LegoOS build host has, into a simulated machine's root directory. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { formatExecutable } from "./executable.js";
import { formatConfig, parseConfig, resolveConfig } from "./kconfig.js";
import * as kernel from "./tree-kernel-sources.js";
import * as modules from "./tree-module-sources.js";

/** The upstream samples differ from the defconfig in these symbols only (facts: LegoOS §2). */
function sampleConfig(component: "PROCESSOR" | "MEMORY", storage: boolean): string {
  const wanted = [
    `CONFIG_COMP_${component}=y`,
    "CONFIG_DEFAULT_MEM_NODE=1",
    "CONFIG_DEFAULT_STORAGE_NODE=2",
    storage ? "# CONFIG_USE_RAMFS is not set" : "CONFIG_USE_RAMFS=y",
    `CONFIG_FIT_NR_NODES=${storage ? 3 : 2}`,
    `CONFIG_FIT_LOCAL_ID=${component === "MEMORY" ? 1 : 0}`,
  ];
  return formatConfig(resolveConfig(parseConfig(`${kernel.defconfig}${wanted.join("\n")}\n`).assignments));
}

const treeFiles: Readonly<Record<string, string>> = {
  ".git/HEAD": "ref: refs/heads/master\n",
  Makefile: kernel.legoMakefile,
  Kconfig: kernel.legoKconfig,
  "arch/x86/configs/x86_64_defconfig": kernel.defconfig,
  "net/lego/fit_machine.c": kernel.kernelNodeTable,
  "managers/core.c": kernel.managerCore,
  "managers/processor/core.c": kernel.processorCore,
  "usr/Makefile": kernel.userMakefile,
  "usr/general.c": kernel.userGeneral,
  "linux-modules/Makefile": modules.modulesMakefile,
  "linux-modules/fit/Makefile": modules.makefileOf("fit.o"),
  "linux-modules/fit/fit_machine.c": modules.moduleNodeTable,
  "linux-modules/fit/fit_config.h": modules.fitConfigHeader(3),
  "linux-modules/storage/Makefile": modules.makefileOf("storage.o"),
  "linux-modules/storage/CONFIG_LEGO_STORAGE.h": modules.storageConfigHeader,
  "linux-modules/monitor/Makefile": modules.makefileOf("lego_gmm.o lego_gpm.o lego_gum.o lego_gsm.o lego_gm_dispatcher.o"),
  "linux-modules/monitor/include/monitor_config.h": modules.monitorConfigHeader,
  "Documentation/configs/1P-1M-Processor": sampleConfig("PROCESSOR", false),
  "Documentation/configs/1P-1M-Memory": sampleConfig("MEMORY", false),
  "Documentation/configs/1P-1M-1S-Processor": sampleConfig("PROCESSOR", true),
  "Documentation/configs/1P-1M-1S-Memory": sampleConfig("MEMORY", true),
  "Documentation/configs/1P-1M-1S-fit_config.h": modules.fitConfigHeader(3),
};

export const defaultTreePath = "/root/LegoOS";

/** Writes the tree at `path` (as the machine sees it) below its root directory, a fresh git checkout of upstream. */
export async function seedLegoTree(rootDirectory: string, path = defaultTreePath): Promise<void> {
  for (const [name, contents] of Object.entries(treeFiles)) await put(join(rootDirectory, path, name), contents);
}

/** What a storage or monitor node has beside the tree: the headers of its kernel, to build modules with, and a few programs. */
export async function seedStorageHost(rootDirectory: string, release: string): Promise<void> {
  await put(join(rootDirectory, "lib/modules", release, "build/Makefile"), `# Headers of Linux ${release}\n`);
  for (const [path, kind] of programs) {
    await put(join(rootDirectory, path), formatExecutable({ linkage: "dynamic", behaviour: { kind } }), 0o755);
  }
}

const programs = [
  ["bin/echo", "echo"],
  ["usr/bin/python", "python"],
] as const;

async function put(file: string, contents: string, mode = 0o644): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, contents, { mode });
}
