/** `make` in linux-modules: builds against the headers of the running kernel, and loads with insmod (facts: LegoOS §4). */
import { rmSync, writeFileSync } from "node:fs";
import { CompileError } from "../lego/compile-error.js";
import { formatModule, monitorModules } from "../lego/image.js";
import { buildModules, moduleDirectories, type ModuleDirectory } from "../lego/module-build.js";
import { ask } from "./kernel-tools.js";
import { noRule, stop } from "./make-errors.js";
import type { ToolCall } from "./tool.js";

export async function makeModules(call: ToolCall, targets: readonly string[]): Promise<number> {
  for (const target of targets.length > 0 ? targets : ["all"]) {
    const exitCode = await makeTarget(call, target);
    if (exitCode !== 0) return exitCode;
  }
  return 0;
}

async function makeTarget(call: ToolCall, target: string): Promise<number> {
  if (target === "all") return build(call);
  if (target === "clean") return clean(call);
  const files = installed[target];
  if (files === undefined) return stop(call, noRule(target));
  for (const file of files) {
    call.out(`insmod ${call.machine.absolute(file)}\n`);
    const exitCode = await ask({ ...call, argv: [call.machine.absolute(file)] }, "insmod");
    if (exitCode !== 0) return stop(call, `[${target}] Error ${exitCode}`);
  }
  return 0;
}

const installed: Readonly<Record<string, readonly string[]>> = {
  fit_install: ["fit/fit.ko"],
  storage_install: ["storage/storage.ko"],
  monitor_install: monitorModules.map((name) => `monitor/${name}.ko`),
};

async function build(call: ToolCall): Promise<number> {
  const { machine } = call;
  const release = ((await machine.ask("uname", ["-r"])).stdout ?? "").trim();
  const headers = `/lib/modules/${release}/build`;
  for (const directory of moduleDirectories) {
    call.out(`make -C ${machine.absolute(directory)}\n`);
    if (!machine.exists(headers)) {
      call.err(`make[2]: *** ${headers}: No such file or directory.  Stop.\nmake[1]: *** [all] Error 2\n`);
      return stop(call, `[${machine.absolute(directory)}] Error 2`);
    }
    await call.work(40);
    const failure = buildDirectory(call, directory, release);
    if (failure === undefined) continue;
    call.err(`${failure}\nmake[1]: *** [all] Error 2\n`);
    return stop(call, `[${machine.absolute(directory)}] Error 2`);
  }
  return 0;
}

/** Writes the modules of one directory; returns the compiler's words when they do not compile. */
function buildDirectory(call: ToolCall, directory: ModuleDirectory, release: string): string | undefined {
  const { machine } = call;
  try {
    for (const module of buildModules(directory, (path) => machine.read(path), release)) {
      const object = `${directory}/${module.name}`;
      call.out(`  CC [M]  ${machine.absolute(object)}.o\n  MODPOST 1 modules\n  LD [M]  ${machine.absolute(object)}.ko\n`);
      writeFileSync(machine.host(`${object}.ko`), formatModule(module));
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    return `${machine.absolute(error.diagnostic)}\nmake[2]: *** [${machine.absolute(error.at.file).replace(/\.[ch]$/, ".o")}] Error 1`;
  }
}

function clean(call: ToolCall): number {
  for (const name of ["fit/fit", "storage/storage", ...monitorModules.map((module) => `monitor/${module}`)]) {
    rmSync(call.machine.host(`${name}.ko`), { force: true });
  }
  return 0;
}
