/** Building, checking and removing the programs of both architectures. */
import { createHash } from "node:crypto";
import { readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { machineMs } from "../tools/surroundings.js";
import type { MachineView } from "../tools/machine-view.js";
import { has } from "./faults.js";
import type { MakeCall } from "./make-variables.js";
import { architectures, formatProgram, parseProgram, programName } from "./program-file.js";
import { toolchainFiles } from "./toolchain.js";

const compileMs = 8_000;
/** Of npbparams.h the target counts, whatever the link's own age: a link turned to an older header rebuilds nothing. */
const header = "npbparams.h";

export async function build(making: MakeCall): Promise<number> {
  const { call, variables } = making;
  const { machine } = call;
  const sources = sourcesOf(making);
  const missing = toolchainFiles().find((file) => !machine.exists(`${variables.get("POPHERMIT")}/${file}`));
  const newest = Math.max(...[...sources, header].map((path) => machine.modifiedMs(path)));
  for (const architecture of architectures) {
    const program = programName(architecture, true);
    if (machine.modifiedMs(program) >= newest && machine.exists(program)) continue;
    const failure = compileProblem(making, sources, missing);
    if (failure !== undefined) {
      call.err(`${failure}\n`);
      return missing === undefined ? 1 : 127;
    }
    call.out(
      `${variables.get("POPHERMIT")}/x86_64-host/bin/clang -target ${architecture}-hermit -popcorn-alignment ${sources.join(" ")}\n`,
    );
    await call.work(machineMs(call, compileMs));
    for (const aligned of [false, true]) {
      const contents = formatProgram({
        app: basename(machine.cwd),
        problemClass: problemClass(machine),
        source: digestOf(making, sources),
        architecture,
        aligned: aligned && !has(call, "misaligned"),
        instrumented: variables.get("CFLAGS").includes("-finstrument-functions"),
      });
      writeFileSync(machine.host(programName(architecture, aligned)), contents);
    }
    call.out(`${variables.get("POPHERMIT")}/x86_64-host/bin/pyalign ${programName(architecture, false)}\n`);
  }
  return 0;
}

/** The alignment of symbols in both programs: says nothing when it is right. */
export function check({ call }: MakeCall): number {
  const programs = architectures.map((each) => parseProgram(call.machine.read(programName(each, true))));
  if (programs.some((program) => program === undefined)) {
    call.err(`check-align.py: ${programName("x86_64", true)} ${programName("aarch64", true)}: No such file or directory\n`);
    return 1;
  }
  const isAligned = programs.every((program) => program?.aligned === true && program.source === programs[0]?.source);
  if (!isAligned) call.out("ERROR: symbol main (x86: 0x501000, arm: 0x501040) not aligned\n");
  return isAligned ? 0 : 1;
}

/** Build products only: checkpoints, .status and .lock stay. */
export function clean({ call }: MakeCall): number {
  for (const name of readdirSync(call.machine.host("."))) {
    if (/^prog_|\.o$|^build_/.test(name)) rmSync(call.machine.host(name), { recursive: true, force: true });
  }
  return 0;
}

function sourcesOf({ call, variables }: MakeCall): readonly string[] {
  const given = variables.words("SRCS").filter((word) => word.endsWith(".c") && !word.includes("*"));
  if (given.length > 0) return given;
  return readdirSync(call.machine.host("."))
    .filter((name) => name.endsWith(".c"))
    .sort();
}

function compileProblem({ call, variables }: MakeCall, sources: readonly string[], missing: string | undefined): string | undefined {
  if (missing !== undefined) return `make: ${variables.get("POPHERMIT")}/${missing}: Command not found`;
  const source = sources[0];
  if (source === undefined) return "clang-3.7: error: no input files";
  if (has(call, "build-fails")) return `${source}:1:1: error: unknown type name 'foo'\n1 error generated.`;
  const absent = sources.find((path) => !call.machine.exists(path));
  if (absent !== undefined) return `clang-3.7: error: no such file or directory: '${absent}'`;
  const needsHeader = sources.some((path) => call.machine.read(path)?.includes(header) === true);
  return needsHeader && !call.machine.exists(header) ? `${source}:2:10: fatal error: '${header}' file not found` : undefined;
}

function problemClass(machine: MachineView): string {
  return /CLASS\s+'(\w)'/.exec(machine.read(header) ?? "")?.[1] ?? "";
}

/** Digest of sources, headers and flags; the time of the build too, as a linked program's symbols are of one build. */
function digestOf({ call, variables }: MakeCall, sources: readonly string[]): string {
  const hash = createHash("sha256");
  for (const path of [...sources, header]) hash.update(call.machine.read(path) ?? "");
  hash.update(variables.get("CFLAGS"));
  for (const path of sources) hash.update(String(statSync(call.machine.host(path), { throwIfNoEntry: false })?.size ?? 0));
  return hash.digest("hex").slice(0, 16);
}
