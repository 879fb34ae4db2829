/** tools/build_all.sh and apps/build_all.sh: one name, two scripts, told apart by where they are run (facts: Phoenix §1). */
import { basename } from "node:path";
import type { Tool, ToolCall } from "../tools/tool.js";
import { findPackage } from "./dpkg-database.js";
import { hasFault } from "./faults.js";
import { put, treeOf } from "./places.js";
import { sysrootLibrary } from "./runtime-build.js";

export const buildAll: Tool = (call) => {
  const tree = treeOf(call);
  const place = basename(call.machine.cwd);
  if (!call.machine.exists(`${tree}/${place}/build_all.sh`) || call.machine.absolute(".") !== `${tree}/${place}`) {
    call.err("bash: ./build_all.sh: No such file or directory\n");
    return 127;
  }
  return place === "apps" ? buildApps(call, tree) : buildTools(call, tree);
};

async function buildTools(call: ToolCall, tree: string): Promise<number> {
  const { machine } = call;
  const failed: string[] = [];
  await call.work(400);
  if (findPackage(machine, "maven") === undefined) failed.push("tools/install_ycsb.sh");
  else put(machine, `${tree}/tools/ycsb-bin/bin/ycsb`, "#!/usr/bin/env python3\n");
  if (hasFault(call, "criu-fails")) failed.push("tools/install_criu.sh");
  else put(machine, `${tree}/tools/criu-bin/sbin/criu`, "CRIU 3.17.1\n");
  put(machine, `${tree}/tools/polygraph-bin/bin/polygraph-client`, "polygraph 4.13.0\n");
  if (failed.length === 0) return 0;
  call.out(`Failed build scripts: ${failed.join(" ")}\n`);
  return 1;
}

/** A redis server of the simulation. */
export interface RedisServer {
  readonly variant: string;
  /** The kernel that libphx was built on; undefined: linked without it. */
  readonly libraryBuiltOn: string | undefined;
  /** Compiled from what an earlier clone has left: nobody knows what is in it. */
  readonly stale: boolean;
}

async function buildApps(call: ToolCall, tree: string): Promise<number> {
  const { machine } = call;
  const redis = `${tree}/apps/redis`;
  const stale = machine.exists(`${redis}/code`) && !machine.exists(`${redis}/code/.git`);
  // The clone fails where something is, and the script goes on with what is there.
  if (machine.exists(`${redis}/code`)) call.err("fatal: destination path 'code' already exists and is not an empty directory.\n");
  else put(machine, `${redis}/code/.git/HEAD`, "ref: refs/heads/unstable\n");
  await call.work(400);
  const library = sysrootLibrary(call);
  if (hasFault(call, "redis-build-fails") || library === undefined) {
    call.err(library === undefined ? "/usr/bin/ld: cannot find -lphx\n" : "make[1]: *** [Makefile:397: server.o] Error 1\n");
    call.out("Compile Redis failed\n");
    return 1;
  }
  for (const variant of ["phx-72", "orig-72", "phx-7445", "orig-7445"]) {
    const libraryBuiltOn = variant.startsWith("phx") ? library.builtOn : undefined;
    put(
      machine,
      `${redis}/rel-${variant}/bin/redis-server`,
      `${JSON.stringify({ variant, libraryBuiltOn, stale } satisfies RedisServer)}\n`,
    );
  }
  return 0;
}
