/** `make -C usr`: every C file becomes an executable named like an object (facts: LegoOS §1). */
import { chmodSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { CompileError } from "../lego/compile-error.js";
import { formatExecutable } from "../lego/executable.js";
import { compileProgram } from "../lego/user-compiler.js";
import { noRule, stop } from "./make-errors.js";
import type { ToolCall } from "./tool.js";

export async function makeUser(call: ToolCall, targets: readonly string[]): Promise<number> {
  const { machine } = call;
  const sources = readdirSync(machine.host("."))
    .filter((name) => name.endsWith(".c"))
    .sort();
  const objects = new Set(sources.map((name) => name.replace(/\.c$/, ".o")));
  for (const target of targets.length > 0 ? targets : ["all"]) {
    if (target === "clean") for (const object of objects) rmSync(machine.host(object), { force: true });
    else if (target !== "all" && !objects.has(target)) return stop(call, noRule(target));
    else {
      for (const object of target === "all" ? objects : [target]) {
        const exitCode = await makeObject(call, object);
        if (exitCode !== 0) return exitCode;
      }
    }
  }
  return 0;
}

async function makeObject(call: ToolCall, object: string): Promise<number> {
  const { machine } = call;
  const source = object.replace(/\.o$/, ".c");
  if (machine.modifiedMs(object) >= machine.modifiedMs(source)) return 0;
  const flags = /^CFLAGS\s*:?=\s*(.*)$/m.exec(machine.read("Makefile") ?? "")?.[1] ?? "";
  call.out(`gcc -g -o ${object} ${flags} ${source} -lm -pthread\n`);
  await call.work(20);
  const exitCode = compileUserProgram(call, source, object, flags.includes("-static"));
  return exitCode === 0 ? 0 : stop(call, `[${object}] Error ${exitCode}`);
}

/** gcc -o OUTPUT SOURCE. Exit code 1 with gcc's words when it does not compile. */
export function compileUserProgram(call: ToolCall, source: string, output: string, isStatic: boolean): number {
  const text = call.machine.read(source);
  if (text === undefined) {
    call.err(`gcc: error: ${source}: No such file or directory\ngcc: fatal error: no input files\ncompilation terminated.\n`);
    return 1;
  }
  try {
    writeFileSync(call.machine.host(output), formatExecutable(compileProgram(source, text, isStatic ? "static" : "dynamic")));
    chmodSync(call.machine.host(output), 0o755);
    return 0;
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    call.err(`${error.diagnostic}\n`);
    return 1;
  }
}
