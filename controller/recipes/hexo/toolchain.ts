/** The toolchain: what must be there, and how it is installed (facts: HEXO §1). */
import type { CommandOutcome, Verdict } from "../../deploy/recipe.js";
import { failed, howItEnded, lastLines, linesOf } from "./output-lines.js";
import type { HexoParameters } from "./parameters.js";

const hostTools = ["clang", "opt", "x86_64-hermit-ld.gold", "x86_64-hermit-elfedit", "pyalign", "check-align.py", "gen-stackinfo", "proxy"];
const guestFiles = ["libhermit.a", "libmigrate.a", "libstack-transform.a", "crt0.o", "ls.x"];

/** Evidence of a complete toolchain, below its root. */
export const toolchainFiles: readonly string[] = [
  ...hostTools.map((name) => `x86_64-host/bin/${name}`),
  ...guestFiles.map((name) => `x86_64-hermit/lib/${name}`),
  ...guestFiles.map((name) => `aarch64-hermit/lib/${name}`),
  "aarch64-hermit/bin/proxy",
];

/** What install_compiler.py looks for before it begins; it wants each at this very path. */
export const installerNeeds: readonly string[] = [
  ...["flex", "bison", "cmake", "make", "wget", "nasm", "zip", "svn", "hexdump", "makeinfo"].map((name) => `/usr/bin/${name}`),
  "/usr/include/asm",
];

export const installerDiskBytes = 20 * 2 ** 30;

/** Names those of the paths that are there; says of the others that they are not. */
export function presence(paths: readonly string[]): string[] {
  return ["find", "-L", ...paths, "-maxdepth", "0", "-printf", String.raw`%y %s %p\n`];
}

export function judgePresence(result: CommandOutcome, paths: readonly string[], advice: string): Verdict {
  const found = new Map(linesOf(result.stdout).map((line) => [line.replace(/^\S+ \d+ /, ""), line]));
  const missing = paths.filter((path) => !found.has(path));
  if (missing.length > 0) return failed(`${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} not there: ${advice}`);
  const empty = paths.filter((path) => found.get(path)?.startsWith("f 0 ") === true);
  if (empty.length > 0) return failed(`${empty.join(", ")} ${empty.length === 1 ? "is" : "are"} empty: ${advice}`);
  return { ok: true, lines: [`all ${paths.length} are there`] };
}

/** `x86_64-linux-gnu-g++ -dumpfullversion -dumpversion`: at least 4.8, and of three numbers, or the script cannot read it. */
export function judgeCompiler(result: CommandOutcome): Verdict {
  const line = linesOf(result.stdout)[0]?.trim() ?? "";
  const version = /^(\d+)\.(\d+)\.(\d+)/.exec(line);
  if (result.exitCode !== 0) return failed(`x86_64-linux-gnu-g++ cannot be run (${howItEnded(result)}): install g++`, lastLines(result));
  if (version === null) return failed(`g++ calls itself "${line}"; install_compiler.py reads only versions of three numbers: use Debian 9`);
  const [major, minor] = [Number(version[1]), Number(version[2])];
  return major > 4 || (major === 4 && minor >= 8) ? { ok: true, lines: [line] } : failed(`g++ ${line} is older than 4.8`);
}

/** `PYTHON --version`, which Python 2 prints on its error output. */
export function judgePython(result: CommandOutcome): Verdict {
  const line = lastLines(result, 1)[0] ?? "";
  if (result.exitCode === 0 && line.startsWith("Python 2.")) return { ok: true, lines: [line] };
  return failed(`install_compiler.py needs Python 2; this is ${line === "" ? howItEnded(result) : line}: set toolchain.python`);
}

export function installArguments({ pophermit, toolchain }: HexoParameters): string[] {
  const { python, threads, targets, options } = toolchain;
  return [
    python,
    "install_compiler.py",
    "--install-path",
    pophermit,
    ...(threads === undefined ? [] : ["--threads", String(threads)]),
    ...(targets === undefined ? [] : ["--targets", targets]),
    ...options,
  ];
}
