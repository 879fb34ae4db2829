/** build_runtime.sh and makesysroot.sh (facts: Phoenix §1). */
import { existsSync } from "node:fs";
import type { Tool, ToolCall } from "../tools/tool.js";
import { hasFault } from "./faults.js";
import { homeOf, leadsSomewhere, link, put, runningRelease, treeOf } from "./places.js";

/** What a library holds: the kernel it was built on decides whether a process comes back. */
export interface PhoenixLibrary {
  readonly builtOn: string;
}

/** Only its last part decides the exit code; what went wrong before is a line in the log. */
export const buildRuntime: Tool = async (call) => {
  const { machine } = call;
  const tree = treeOf(call);
  const builtOn = await runningRelease(call);
  await call.work(500);
  if (hasFault(call, "glibc-fails")) call.out("make[1]: *** [Makefile:9: all] Error 2\nCompile glibc failed!\n");
  else put(machine, `${tree}/glibc/build/libc.so`, `C library built on ${builtOn}\n`);
  if (hasFault(call, "userlib-fails")) call.out("make: *** [Makefile:136: all] Error 2\nCompile userlib failed!\n");
  else {
    put(machine, `${tree}/userlib/build/lib/libphx.so`, `${JSON.stringify({ builtOn } satisfies PhoenixLibrary)}\n`);
    put(machine, `${tree}/userlib/lib/include/phx.h`, "#pragma once\n");
  }
  put(machine, `${tree}/compiler/build/Makefile`, "all:\n");
  if (hasFault(call, "compiler-fails")) {
    call.out("Compile compiler failed!\n");
    return 1;
  }
  put(machine, `${tree}/compiler/test/phxruntime.o`, "runtime of the compiler's pass\n");
  return 0;
};

/** `ln -sf` does not care whether there is anything to lead to. */
export const makeSysroot: Tool = async (call) => {
  const { machine } = call;
  const [tree, root] = [treeOf(call), `${homeOf(call)}/sysroot`];
  await call.work(300);
  if (!machine.exists(`${tree}/glibc/build/libc.so`)) {
    call.err("make: *** No rule to make target 'install'.  Stop.\n");
    return 2;
  }
  put(machine, `${root}/lib/libc.so.6`, machine.read(`${tree}/glibc/build/libc.so`) ?? "");
  put(machine, `${root}/include/stdio.h`, "\n");
  link(machine, `${tree}/userlib/build/lib/libphx.so`, `${root}/lib/libphx.so`);
  link(machine, `${tree}/userlib/lib/include/phx.h`, `${root}/include/phx.h`);
  link(machine, `${tree}/compiler/test/phxruntime.o`, `${root}/lib/phxruntime.o`);
  return 0;
};

/** The library that programs of the sysroot are linked with; undefined when there is none. */
export function sysrootLibrary(call: ToolCall): PhoenixLibrary | undefined {
  const path = `${homeOf(call)}/sysroot/lib/libphx.so`;
  if (!leadsSomewhere(call.machine, path) || !existsSync(call.machine.host(path))) return undefined;
  return JSON.parse(call.machine.read(path) ?? "{}") as PhoenixLibrary;
}
