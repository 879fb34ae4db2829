/** `make` in a configured LegoOS tree: from sources and configuration to an image, or to what the compiler says. Pure. */
import { integerOf, preprocess } from "./c-preprocessor.js";
import { CompileError } from "./compile-error.js";
import { type Executable, parseExecutable } from "./executable.js";
import type { LegoBuild } from "./image.js";
import { compileNodeTable, type NodeTable } from "./node-table.js";
import { compileInitProgram, type InitProgram } from "./processor-program.js";

/** A file of the tree by its path in it; undefined when it is not there. */
export type ReadSource = (path: string) => string | undefined;

export interface KernelBuildInput {
  readonly read: ReadSource;
  /** Kconfig symbols without CONFIG_. */
  readonly config: ReadonlyMap<string, string>;
  /** The tree is a git checkout: the release ends in "+" (facts: LegoOS §5). */
  readonly gitCheckout: boolean;
  /** How often this tree was linked, with this time. */
  readonly buildNumber: number;
  readonly date: string;
  readonly builder: string;
}

export type KernelBuild =
  | {
      readonly outcome: "built";
      readonly log: string;
      /** Of the compiler; it went on. */
      readonly warnings: string;
      readonly build: LegoBuild;
      readonly ramfsObject: string | undefined;
    }
  /** `log` ends with make's own error lines. */
  | { readonly outcome: "failed"; readonly log: string; readonly errors: string };

/** "4.0.0-lego-P+": version of the Makefile, LOCALVERSION, and + for a git checkout. */
export function kernelRelease(makefile: string, config: ReadonlyMap<string, string>, gitCheckout: boolean): string {
  const number = (name: string) => new RegExp(`^${name}[ \\t]*=[ \\t]*(\\S*)`, "m").exec(makefile)?.[1] ?? "";
  const version = `${number("VERSION")}.${number("PATCHLEVEL")}.${number("SUBLEVEL")}${number("EXTRAVERSION")}`;
  return `${version}${config.get("LOCALVERSION") ?? ""}${gitCheckout ? "+" : ""}`;
}

/** The configuration as include/generated/autoconf.h gives it to the compiler. */
export function autoconf(config: ReadonlyMap<string, string>): Map<string, string> {
  const macros = new Map<string, string>();
  for (const [name, value] of config) {
    if (value === "y") macros.set(`CONFIG_${name}`, "1");
    else if (value !== "n") macros.set(`CONFIG_${name}`, value);
  }
  return macros;
}

/** Builds the kernel. Reports the first error, as make without -k does. */
export function buildKernel(input: KernelBuildInput): KernelBuild {
  const log: string[] = ["  CHK     include/config/kernel.release", "  UPD     include/generated/utsrelease.h"];
  try {
    const parts = compile(input, log);
    log.push("  LD      vmlinux", "  OBJCOPY arch/x86/boot/vmlinux.bin", "  BUILD   arch/x86/boot/bzImage");
    const { buildNumber, date, builder } = input;
    const release = kernelRelease(input.read("Makefile") ?? "", input.config, input.gitCheckout);
    const version = `#${buildNumber} SMP ${date}`;
    const build = { release, version, builder, config: Object.fromEntries(input.config), ...parts.linked };
    return { outcome: "built", log: `${log.join("\n")}\n`, warnings: parts.warnings, build, ramfsObject: parts.ramfsObject };
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    return { outcome: "failed", log: `${log.join("\n")}\n`, errors: error.message };
  }
}

class StepFailed extends Error {}

interface Linked {
  readonly table: NodeTable | undefined;
  readonly init: InitProgram | undefined;
  readonly ramfs: { readonly path: string; readonly program: Executable | undefined } | undefined;
}

interface Compiled {
  readonly linked: Linked;
  readonly ramfsObject: string | undefined;
  readonly warnings: string;
}

function compile(input: KernelBuildInput, log: string[]): Compiled {
  const { config } = input;
  const macros = autoconf(config);
  const object = <T>(file: string, read: (file: string, source: string) => T): T => {
    log.push(`  CC      ${file.replace(/\.c$/, ".o")}`);
    return compileObject(input.read, file, read);
  };
  for (const file of ["init/main", "arch/x86/kernel/setup", "kernel/sched/core", "drivers/infiniband/hw/mlx4/main"])
    log.push(`  CC      ${file}.o`);
  const { warnings } = object("managers/core.c", (file, source) => preprocess(file, source, macros));
  const init = isOn(config, "COMP_PROCESSOR")
    ? object("managers/processor/core.c", (file, source) => compileInitProgram(file, source, macros))
    : undefined;
  const ramfsObject = isOn(config, "COMP_MEMORY") && isOn(config, "USE_RAMFS") ? assembleRamfs(input, log) : undefined;
  const table = isOn(config, "FIT") ? object("net/lego/fit_machine.c", (file, source) => compileFit(file, source, macros)) : undefined;
  if (isOn(config, "COMP_PROCESSOR") && isOn(config, "COMP_MEMORY")) throw new StepFailed(bothComponents);
  const path = config.get("RAMFS_OBJECT_FILE") ?? "";
  const ramfs = ramfsObject === undefined ? undefined : { path, program: parseExecutable(ramfsObject) };
  return { linked: { table, init, ramfs }, ramfsObject, warnings: warnings.map((warning) => `${warning}\n`).join("") };
}

const isOn = (config: ReadonlyMap<string, string>, name: string): boolean => config.get(name) === "y";

/** Kconfig does not exclude both; the facts leave open what then happens. Both define the manager's entry points: ld cannot link them. */
const bothComponents = [
  "managers/memory/built-in.o: In function `manager_init':",
  "(.init.text+0x0): multiple definition of `manager_init'",
  "managers/processor/built-in.o:(.init.text+0x0): first defined here",
  "make: *** [vmlinux] Error 1",
].join("\n");

function compileFit(file: string, source: string, macros: ReadonlyMap<string, string>): NodeTable {
  const table = compileNodeTable(file, source, macros);
  const [local, count] = ["CONFIG_FIT_LOCAL_ID", "CONFIG_FIT_NR_NODES"].map((name) => integerOf(name, macros));
  if ((local ?? 0) >= (count ?? 0)) {
    const message =
      "call to ‘__compiletime_assert_61’ declared with attribute error: BUILD_BUG_ON failed: CONFIG_FIT_LOCAL_ID >= CONFIG_FIT_NR_NODES";
    throw new CompileError({ file, line: 61, column: 2 }, message);
  }
  return table;
}

function compileObject<T>(read: ReadSource, file: string, reader: (file: string, source: string) => T): T {
  const source = read(file);
  const target = file.replace(/\.c$/, ".o");
  if (source === undefined)
    throw new StepFailed(`make[1]: *** No rule to make target \`${target}', needed by \`built-in.o'.  Stop.\n${makeErrors(target, 2)}`);
  try {
    return reader(file, source);
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    throw new StepFailed(`${error.diagnostic}\nmake[1]: *** [${target}] Error 1\n${makeErrors(target, 2)}`);
  }
}

/** The lines with which the calling makes give up: "make: *** [net/lego] Error 2". */
function makeErrors(target: string, code: number): string {
  return `make: *** [${target.split("/").slice(0, -1).join("/")}] Error ${code}`;
}

/**
 * piggy.o, the RAMFS object inside the image. An .incbin is no dependency make knows of: an existing piggy.o is taken as it is
 * (facts: LegoOS §5, "remove piggy.o").
 */
function assembleRamfs(input: KernelBuildInput, log: string[]): string {
  const existing = input.read("managers/memory/ramfs/piggy.o");
  if (existing !== undefined) return existing;
  log.push("  AS      managers/memory/ramfs/piggy.o");
  const path = input.config.get("RAMFS_OBJECT_FILE") ?? "";
  const object = input.read(path);
  if (object !== undefined) return object;
  const target = "managers/memory/ramfs/piggy.o";
  throw new StepFailed(
    `managers/memory/ramfs/piggy.S: Assembler messages:\nmanagers/memory/ramfs/piggy.S:11: Error: file not found: ${path}\nmake[1]: *** [${target}] Error 1\n${makeErrors(target, 2)}`,
  );
}
