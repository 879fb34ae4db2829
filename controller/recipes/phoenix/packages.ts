/** Debian packages of the kernel: numbers of builds, and what is installed (facts: Phoenix §1, build_kernel; §3 rollback). */
import type { CommandOutcome, Json, Verdict } from "../../deploy/recipe.js";
import { phoenixRelease } from "./design.js";
import { endOf, failed, lastWords, linesOf } from "./verdict.js";

export const imagePackage = `linux-image-${phoenixRelease}`;
export const headersPackage = `linux-headers-${phoenixRelease}`;
/** Ubuntu has a package of this name too, which build-essential needs: the built one takes its place. */
export const libcPackage = "linux-libc-dev";
export const kernelPackages = [imagePackage, headersPackage, libcPackage] as const;

const archive = /^(linux-(?:image|headers)-5\.15\.94\+|linux-libc-dev)_5\.15\.94\+-(\d+)_amd64\.deb$/;

/** Archives of the highest number, of those a `find` has named; the number is counted, not sorted: -10 is above -9. */
export function newestBuild(names: readonly string[]): { readonly number: number; readonly archives: readonly string[] } | undefined {
  const numbered = names.flatMap((name) => {
    const [, , number] = archive.exec(name) ?? [];
    return number === undefined ? [] : [{ name, number: Number(number) }];
  });
  if (numbered.length === 0) return undefined;
  const number = Math.max(...numbered.map((each) => each.number));
  return { number, archives: numbered.filter((each) => each.number === number).map(({ name }) => name) };
}

/** `find … -newer START`: the packages of this build alone. Puts out their file names and their number. */
export function judgeBuilt({ stdout }: CommandOutcome): Verdict {
  const found = linesOf(stdout).map((line) => line.trim().split("/").at(-1) ?? "");
  const newest = newestBuild(found);
  if (newest === undefined) return failed("this build has left no package: what is there is of an earlier one", found);
  const archiveOf = (name: string) => newest.archives.find((each) => each.startsWith(`${name}_`));
  const missing = kernelPackages.filter((name) => archiveOf(name) === undefined);
  if (missing.length > 0) return failed(`build ${newest.number} has no package ${missing.join(", ")}`, [...newest.archives]);
  return {
    ok: true,
    lines: [...newest.archives],
    outputs: { number: newest.number, archives: kernelPackages.map((name) => archiveOf(name) ?? "") },
  };
}

/** What `dpkg -s` or `dpkg-query` shows of a package. */
export interface Installed {
  readonly version: string;
  readonly installed: boolean;
}

/** `dpkg -s NAME…`: a paragraph each. */
export function parseStatus(stdout: string): Readonly<Record<string, Installed>> {
  const field = (paragraph: string, name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(paragraph)?.[1]?.trim() ?? "";
  const entries = stdout.split(/\n\s*\n/).flatMap((paragraph) => {
    const name = field(paragraph, "Package");
    if (name === "") return [];
    return [[name, { version: field(paragraph, "Version"), installed: field(paragraph, "Status") === "install ok installed" }]] as const;
  });
  return Object.fromEntries(entries);
}

/** `dpkg -s` of packages that must all be installed. */
export function judgePackages(result: CommandOutcome, wanted: readonly string[]): Verdict {
  const status = parseStatus(result.stdout);
  const missing = wanted.filter((name) => status[name]?.installed !== true);
  if (missing.length > 0) return failed(`not installed: ${missing.join(", ")}`, lastWords({ ...result, stdout: "" }, 5));
  return { ok: true, lines: [`${wanted.length} packages are installed, ${wanted.slice(0, 3).join(", ")} among them`] };
}

/** `dpkg -s` of the kernel's packages: all of this build. */
export function judgeKernelPackages(result: CommandOutcome, number: Json | undefined): Verdict {
  const status = parseStatus(result.stdout);
  const version = `${phoenixRelease}-${JSON.stringify(number)}`;
  const wrong = kernelPackages.filter((name) => status[name]?.installed !== true || status[name]?.version !== version);
  if (wrong.length === 0) return { ok: true, lines: kernelPackages.map((name) => `${name} ${version}`) };
  return failed(
    wrong
      .map((name) => `${name} is ${status[name]?.installed === true ? status[name].version : "not installed"}, wanted ${version}`)
      .join("; "),
  );
}

/** `dpkg -s` of the same before they are removed; puts out which are there, and whether the libc headers are the built ones. */
export function judgeToRemove({ stdout }: CommandOutcome): Verdict {
  const status = parseStatus(stdout);
  const there = kernelPackages.filter((name) => status[name] !== undefined && status[name].version.startsWith(phoenixRelease));
  return {
    ok: true,
    lines: kernelPackages.map((name) => `${name}: ${status[name]?.version ?? "not installed"}`),
    outputs: { toRemove: there, libcInstalled: status[libcPackage]?.installed === true },
  };
}

/** `dpkg -s` of the same afterwards: the kernel's are gone, the libc headers are the distribution's again. */
export function judgeRemoved({ stdout }: CommandOutcome): Verdict {
  const status = parseStatus(stdout);
  const left = [imagePackage, headersPackage].filter((name) => status[name]?.installed === true);
  if (left.length > 0) return failed(`still installed: ${left.join(", ")}`);
  const libc = status[libcPackage];
  if (libc?.installed !== true) return failed(`${libcPackage} is not installed: build-essential needs it`);
  if (libc.version.startsWith(phoenixRelease)) return failed(`${libcPackage} is still the built one (${libc.version})`);
  return { ok: true, lines: [`${libcPackage} ${libc.version} is the distribution's`] };
}

/** A script whose exit code is worth something (facts: Phoenix §1), judged by it; what it made is looked at afterwards. */
export function judgeScript(result: CommandOutcome): Verdict {
  return result.exitCode === 0 ? { ok: true } : failed(`it has failed: ${endOf(result)}`, lastWords(result));
}

/** A script whose exit code is worth nothing: only that it has ended by itself. */
export function judgeEnded(result: CommandOutcome): Verdict {
  return result.state === "exited" ? { ok: true } : failed(`it did not end by itself: ${endOf(result)}`, lastWords(result));
}
