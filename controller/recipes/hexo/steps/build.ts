/** Toolchain and programs: built on the x86 machine for both, then brought to the board (facts: HEXO §1, §2, §4 step 1). */
import type { Act, Known, Look, Requirement, Step } from "../../../deploy/recipe.js";
import { hashesOf, judgeHashes, readListing } from "../checkpoint.js";
import { type Design, minutes, numberFrom, seconds, stepIds } from "../design.js";
import { failed, lastLines } from "../output-lines.js";
import { programNames } from "../pair.js";
import { copyFile, judgeCopy } from "../rsync.js";
import {
  installArguments,
  installerDiskBytes,
  installerNeeds,
  judgeCompiler,
  judgePresence,
  judgePython,
  presence,
  toolchainFiles,
} from "../toolchain.js";
import { inMebibytes } from "../sizes.js";

const programs = Object.values(programNames);
/** What lies beside the programs on the board. */
const shipped = ["proxy", ...programs];

export function toolchainSteps(design: Design): Step[] {
  const { pair, parameters } = design;
  const { install, withinMin } = parameters.toolchain;
  const node = pair.x86.node.name;
  const checked = [stepIds.check(pair.x86), stepIds.check(pair.arm)];
  const complete = toolchainComplete(design);
  const step: Step = {
    id: stepIds.toolchain(pair),
    phase: "toolchain",
    node,
    title: `toolchain for both architectures in ${parameters.pophermit}`,
    needs: checked,
    repeat: "repeatable",
    evidence: [complete],
  };
  if (!install) return [step];
  const needs = `${stepIds.toolchain(pair)}/needs`;
  return [
    {
      ...step,
      id: needs,
      title: "what install_compiler.py needs",
      standing: [complete],
      evidence: installerRequirements(design),
    },
    {
      ...step,
      needs: [needs],
      standing: [complete],
      acts: () => [{ kind: "command", argv: installArguments(parameters), cwd: parameters.source, timeoutMs: withinMin * minutes }],
    },
  ];
}

function toolchainComplete({ parameters }: Design): Look {
  const paths = toolchainFiles.map((file) => `${parameters.pophermit}/${file}`);
  return {
    kind: "command",
    argv: () => presence(paths),
    claim: "the toolchain is complete",
    withinMs: 30 * seconds,
    judge: (result) => judgePresence(result, paths, "check pophermit, or let labd install it with toolchain: { install: true }"),
  };
}

function installerRequirements({ parameters }: Design): Requirement[] {
  const { source, pophermit, toolchain } = parameters;
  const script = `${source}/install_compiler.py`;
  return [
    {
      kind: "command",
      argv: () => presence([script]),
      claim: "the script is there",
      withinMs: 15 * seconds,
      judge: (result) => judgePresence(result, [script], "clone popcorn-compiler, branch hermit-master, to source"),
    },
    {
      kind: "command",
      argv: () => [toolchain.python, "--version"],
      claim: "it can be run",
      withinMs: 15 * seconds,
      judge: judgePython,
    },
    {
      kind: "command",
      argv: () => ["x86_64-linux-gnu-g++", "-dumpfullversion", "-dumpversion"],
      claim: "a compiler it accepts is there",
      withinMs: 15 * seconds,
      judge: judgeCompiler,
    },
    {
      kind: "command",
      argv: () => presence(installerNeeds),
      claim: "the tools it asks for are there",
      withinMs: 15 * seconds,
      judge: (result) => judgePresence(result, installerNeeds, "install them; the script looks at these very paths"),
    },
    {
      kind: "facts",
      claim: "there is room for it",
      withinMs: 15 * seconds,
      judge: ({ disks }) => {
        const disk = disks
          .filter(({ mount }) => `${pophermit}/`.startsWith(mount === "/" ? "/" : `${mount}/`))
          .sort((a, b) => b.mount.length - a.mount.length)[0];
        return disk !== undefined && disk.freeBytes < installerDiskBytes
          ? failed(`${inMebibytes(disk.freeBytes)} are free in ${disk.mount}, the toolchain needs ${inMebibytes(installerDiskBytes)}`)
          : { ok: true };
      },
    },
  ];
}

export function buildSteps(design: Design): Step[] {
  return [build(design), prepare(design), ship(design), programsOn(design, [stepIds.ship(design.pair)])];
}

function build({ pair, parameters, signs }: Design): Step {
  const directory = pair.x86.programs;
  const header = signs.npbClass === undefined ? undefined : `npbparams-${signs.npbClass}.h`;
  const timeoutMs = parameters.buildWithinMin * minutes;
  const { srcs, cflags, pophermit, boardHome } = parameters;
  // On the command line CFLAGS would take the place of the template's own; from the environment they are added to.
  const env = cflags === undefined ? {} : { CFLAGS: cflags };
  // Left out, ARM_TARGET_HOME asks the board by ssh at every use.
  const variables = [`POPHERMIT=${pophermit}`, `ARM_TARGET_HOME=${boardHome}`, ...(srcs === undefined ? [] : [`SRCS=${srcs}`])];
  const make = (target: readonly string[], more: Partial<Extract<Act, { kind: "command" }>> = {}): Act => ({
    kind: "command",
    argv: ["make", ...target, ...variables],
    cwd: directory,
    env,
    timeoutMs,
    ...more,
  });
  const id = stepIds.build(pair);
  return {
    id,
    phase: "build",
    node: pair.x86.node.name,
    title: `${parameters.app}${signs.npbClass === undefined ? "" : `, class ${signs.npbClass}`}, for both architectures`,
    needs: [stepIds.toolchain(pair)],
    repeat: "repeatable",
    acts: () => [
      make(["clean"], {
        expect: (result) =>
          result.exitCode === 0
            ? { ok: true, outputs: { cleanedMs: result.startedMs } }
            : failed("make clean failed", lastLines(result, 20)),
      }),
      ...(header === undefined
        ? []
        : [{ kind: "command", argv: ["ln", "-sf", header, "npbparams.h"], cwd: directory, timeoutMs: 15 * seconds } as const]),
      make([]),
      make(["check"]),
    ],
    evidence: [
      ...(header === undefined ? [] : [classLink(directory, header)]),
      {
        kind: "command",
        argv: () => ["find", directory, "-maxdepth", "1", "-name", "prog_*_aligned", "-printf", String.raw`%y %s %T@ %f\n`],
        claim: "this build has made the aligned programs",
        withinMs: 15 * seconds,
        judge: (result, { outputs }) => {
          const files = readListing(result.stdout);
          const since = numberFrom(outputs, id, "cleanedMs") - 20;
          const wrong = programs.flatMap((name) => {
            const file = files.find((each) => each.name === name);
            if (file === undefined || file.sizeBytes === 0) return [`the build has left no ${name}`];
            return file.modifiedMs < since ? [`${name} is older than this build`] : [];
          });
          return wrong.length > 0
            ? failed(`${wrong.join("; ")}: look at what make has printed, in the record`, lastLines(result))
            : { ok: true, lines: files.map(({ name, sizeBytes }) => `${name} ${sizeBytes} bytes`) };
        },
      },
      {
        kind: "command",
        argv: () => ["sha256sum", `${pophermit}/aarch64-hermit/bin/proxy`, ...programs.map((name) => `${directory}/${name}`)],
        claim: "what is to run is known by its checksums",
        withinMs: minutes,
        judge: (result) => judgeHashes(result, shipped),
      },
    ],
  };
}

function classLink(directory: string, header: string): Requirement {
  return {
    kind: "command",
    argv: () => ["find", directory, "-maxdepth", "1", "-name", "npbparams.h", "-printf", String.raw`%f -> %l\n`],
    claim: `the class is that of ${header}`,
    withinMs: 15 * seconds,
    judge: ({ stdout }) =>
      stdout.trim() === `npbparams.h -> ${header}`
        ? { ok: true, lines: [stdout.trim()] }
        : failed(`npbparams.h is not a link to ${header} but ${stdout.trim() === "" ? "not there" : stdout.trim()}`),
  };
}

/** The board's copies are of this deployment only. */
function prepare({ pair }: Design): Step {
  return {
    id: stepIds.prepare(pair),
    phase: "prepare",
    node: pair.arm.node.name,
    title: `an empty ${pair.arm.programs}`,
    needs: [stepIds.check(pair.arm)],
    repeat: "repeatable",
    acts: () => [
      { kind: "remove-file", path: pair.arm.programs, recursive: true },
      { kind: "command", argv: ["mkdir", "-p", pair.arm.programs], timeoutMs: 15 * seconds },
    ],
    evidence: [
      {
        kind: "file",
        path: () => pair.arm.programs,
        claim: "there is a directory for the programs",
        withinMs: 15 * seconds,
        judge: (file) => (file?.kind === "directory" ? { ok: true } : failed(`${pair.arm.programs} is no directory`)),
      },
    ],
  };
}

function ship({ pair, parameters }: Design): Step {
  const sources = [`${parameters.pophermit}/aarch64-hermit/bin/proxy`, ...programs.map((name) => `${pair.x86.programs}/${name}`)];
  return {
    id: stepIds.ship(pair),
    phase: "ship",
    node: pair.x86.node.name,
    title: "the board's proxy and both programs to the board",
    needs: [stepIds.build(pair), stepIds.prepare(pair)],
    repeat: "repeatable",
    acts: () =>
      sources.map((file, index) => ({
        kind: "command",
        argv: copyFile(pair.login, "arm", file, pair.arm.programs),
        timeoutMs: 10 * minutes,
        expect: (result) => judgeCopy(result, shipped[index] ?? ""),
      })),
    evidence: [],
  };
}

/** The board runs what was built: the same checksums. `before`: where an earlier run has put them out. */
export function programsOn({ pair }: Design, needs: readonly string[], before?: Known["outputs"]): Step {
  return {
    id: stepIds.programs(pair.arm),
    phase: "programs",
    node: pair.arm.node.name,
    title: "proxy and programs on the board are those built",
    needs,
    repeat: "repeatable",
    evidence: [
      {
        kind: "command",
        argv: () => ["sha256sum", ...shipped.map((name) => `${pair.arm.programs}/${name}`)],
        claim: "checksums on the board are those of the build",
        withinMs: minutes,
        judge: (result, { outputs }) =>
          judgeHashes(result, shipped, hashesOf((before ?? outputs)[stepIds.build(pair)]), pair.x86.node.name),
      },
    ],
  };
}
