/** `make` in linux-modules: the FIT, storage and monitor modules (facts: LegoOS §3 and §4). Pure. */
import { integerOf, preprocess } from "./c-preprocessor.js";
import { TokenCursor, tokenize } from "./c-tokens.js";
import { CompileError } from "./compile-error.js";
import { type LinuxModule, monitorModules } from "./image.js";
import type { ReadSource } from "./kernel-build.js";
import { compileNodeTable } from "./node-table.js";

/** One of the three directories that hold modules. */
export type ModuleDirectory = "fit" | "storage" | "monitor";
export const moduleDirectories: readonly ModuleDirectory[] = ["fit", "storage", "monitor"];

/** Compiles the modules of one directory against the kernel `release`; `read` takes paths in linux-modules. Throws CompileError. */
export function buildModules(directory: ModuleDirectory, read: ReadSource, release: string): readonly LinuxModule[] {
  if (directory === "fit") return [buildFit(read, release)];
  if (directory === "storage") return [buildStorage(read, release)];
  return monitorModules.map((name) => ({ name, vermagic: release, nodeIds: monitoredNodes(name, read) }));
}

function buildFit(read: ReadSource, release: string): LinuxModule {
  const header = preprocess("fit/fit_config.h", source(read, "fit/fit_config.h"));
  const table = compileNodeTable("fit/fit_machine.c", source(read, "fit/fit_machine.c"), header.macros);
  const value = (name: string) => {
    if (!header.macros.has(name))
      throw new CompileError({ file: "fit/fit.c", line: 1, column: 1 }, `‘${name}’ undeclared (first use in this function)`);
    return integerOf(name, header.macros);
  };
  const constants = {
    localId: value("CONFIG_FIT_LOCAL_ID"),
    nodeCount: value("CONFIG_FIT_NR_NODES"),
    firstQpn: value("CONFIG_FIT_FIRST_QPN"),
    qpsPerPair: value("CONFIG_FIT_NR_QPS_PER_PAIR"),
    socketOverInfiniband: header.macros.has("CONFIG_SOCKET_O_IB"),
  };
  if (constants.localId >= constants.nodeCount) {
    throw new CompileError(
      { file: "fit/fit_machine.c", line: 1, column: 1 },
      "BUILD_BUG_ON failed: CONFIG_FIT_LOCAL_ID >= CONFIG_FIT_NR_NODES",
    );
  }
  return { name: "fit", vermagic: release, constants, table };
}

function buildStorage(read: ReadSource, release: string): LinuxModule {
  const { macros } = preprocess("storage/CONFIG_LEGO_STORAGE.h", source(read, "storage/CONFIG_LEGO_STORAGE.h"));
  return { name: "storage", vermagic: release, bypassPageCache: macros.has("STORAGE_BYPASS_PAGE_CACHE") };
}

function monitoredNodes(module: (typeof monitorModules)[number], read: ReadSource): readonly number[] {
  const array = module === "lego_gmm" ? "mnode_nids" : module === "lego_gpm" ? "pnode_nids" : undefined;
  if (array === undefined) return [];
  const file = "monitor/include/monitor_config.h";
  const cursor = new TokenCursor(tokenize(file, preprocess(file, source(read, file))));
  if (!cursor.seek(array, "[")) throw new CompileError({ file, line: 1, column: 1 }, `‘${array}’ undeclared (first use in this function)`);
  const length = cursor.expectInteger();
  for (const text of ["]", "=", "{"]) cursor.expect(text);
  const ids: number[] = [];
  while (!cursor.skip("}")) {
    ids.push(cursor.expectInteger());
    if (!cursor.is("}")) cursor.expect(",");
  }
  return ids.slice(0, length);
}

function source(read: ReadSource, file: string): string {
  const text = read(file);
  if (text === undefined) throw new CompileError({ file, line: 1, column: 1 }, "No such file or directory");
  return text;
}
