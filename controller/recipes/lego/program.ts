/**
 * The user program. One per build: with a storage node its path and arguments are compiled into the processor manager, without one
 * the program itself is linked into the memory manager (facts: LegoOS §5). Either way the run's nonce can be compiled in.
 */
import type { LegoParameters } from "./parameters.js";

export const processorCoreFile = "managers/processor/core.c";

/** labd's own program for 1P-1M, named so that it collides with none of LegoOS's. */
export const probeSourceFile = "usr/labd_probe.c";
export const probeObjectFile = "usr/labd_probe.o";

/** What processor and storage are to run, nonce not yet filled in. Undefined in 1P-1M. */
export function programArguments(parameters: LegoParameters): readonly string[] {
  return parameters.program ?? ["/bin/echo", "{nonce}"];
}

/** The object that is linked into the memory manager's image, below the source tree. */
export function linkedObject(parameters: LegoParameters): string {
  return parameters.program?.[0] ?? probeObjectFile;
}

/** Whether the program's output will carry the nonce: otherwise that it prints at all is all that can be seen. */
export function printsNonce(parameters: LegoParameters, hasStorage: boolean): boolean {
  return hasStorage ? programArguments(parameters).some((each) => each.includes("{nonce}")) : parameters.program === undefined;
}

export function withNonce(program: readonly string[], nonce: string): string[] {
  return program.map((each) => each.replaceAll("{nonce}", nonce));
}

/** C source of labd's own program. It prints as LegoOS's usr/general.c does, which is known to work. */
export function probeSource(nonce: string): string {
  return `/* Written by labd for one run: this line on the console proves that this very image runs. */
#include <stdio.h>

int main(void)
{
	printf("labd ${nonce}\\n");
	return 0;
}
`;
}

/**
 * Sets program and arguments in procmgmt(): takes out what assigns them and assigns them once, right before do_execve, outside of
 * any #if.
 */
export function setInitProgram(text: string, program: readonly string[]): { readonly text: string } | { readonly problem: string } {
  const start = /\bprocmgmt\s*\([^)]*\)\s*\{/.exec(text);
  if (start === null) return { problem: "found no function procmgmt(); is this the master branch of LegoOS?" };
  const bodyStart = start.index + start[0].length;
  const bodyEnd = text.indexOf("\n}", bodyStart);
  const lines = text.slice(bodyStart, bodyEnd).split("\n");
  const kept = lines.filter((line) => !/^\s*(?:init_filename|argv_init\s*\[\s*\d+\s*\])\s*=.*;\s*$/.test(line));
  const execve = kept.findIndex((line) => /\bdo_execve\s*\(/.test(line));
  if (bodyEnd < 0 || execve < 0) return { problem: "procmgmt() does not call do_execve(); is this the master branch of LegoOS?" };
  kept.splice(execve, 0, ...initAssignments(program));
  return { text: text.slice(0, bodyStart) + kept.join("\n") + text.slice(bodyEnd) };
}

/** The lines setInitProgram writes. */
export function initAssignments(program: readonly string[]): string[] {
  return [
    `\tinit_filename = ${cString(program[0] ?? "")};`,
    "\targv_init[0] = init_filename;",
    ...program.slice(1).map((argument, index) => `\targv_init[${index + 1}] = ${cString(argument)};`),
  ];
}

/** A C string literal. Octal escapes of three digits end by themselves, whatever follows; `?` is escaped against trigraphs. */
function cString(text: string): string {
  const escaped = Array.from(Buffer.from(text, "utf8"), (byte) => {
    const character = String.fromCharCode(byte);
    return byte >= 0x20 && byte <= 0x7e && !'"\\?'.includes(character) ? character : `\\${byte.toString(8).padStart(3, "0")}`;
  });
  return `"${escaped.join("")}"`;
}
