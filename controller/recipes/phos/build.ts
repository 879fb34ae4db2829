/** What the clone, its assets and build.sh say, judged (facts: PhOS §2). Exit codes say nothing: an unfinished build ends with 0. */
import type { CommandOutcome, Json, Known, Verdict } from "../../deploy/recipe.js";
import { type Design, home, linesOf, stepIds } from "./design.js";

export const scripts = `${home}/scripts/build_scripts`;
export const cargo = `${home}/.cargo/bin/cargo`;

export const installedFiles: readonly string[] = [
  "/usr/local/bin/pos_cli",
  "/usr/local/bin/xpu-server",
  "/lib/x86_64-linux-gnu/libpos.so",
  "/lib/x86_64-linux-gnu/libxpuclient.so",
];

/** Inside the container, so that it is gone with what it stands for: which commit was built and installed. */
export const stampFile = "/var/lib/phos-build";

/** Passes a build may need: one that only fetches cargo, one that builds, one in reserve. */
export const passes: readonly number[] = [1, 2, 3];

/** `git submodule status --recursive`: "-" = not there, "+" = another commit, "U" = conflicts. */
export function judgeSubmodules({ exitCode, stdout, stderr }: CommandOutcome): Verdict {
  const lines = linesOf(stdout);
  if (exitCode !== 0) return { ok: false, reason: "git does not tell the submodules", lines: linesOf(stderr).slice(-3) };
  const missing = lines.filter((line) => /^[-+U]/.test(line));
  if (missing.length > 0)
    return { ok: false, final: true, reason: `${missing.length} submodules are not as the commit wants them`, lines: missing };
  return { ok: true, lines: [`${lines.length} submodules`] };
}

/** `git rev-parse HEAD`. Puts out `commit`. */
export function judgeCommit({ exitCode, stdout }: CommandOutcome, wanted: string): Verdict {
  const [commit = ""] = linesOf(stdout);
  if (exitCode !== 0 || !/^[0-9a-f]{40}$/.test(commit)) return { ok: false, final: true, reason: "there is no clone" };
  if (commit !== wanted) return { ok: false, final: true, reason: `the clone is at ${commit}, wanted ${wanted}`, lines: [commit] };
  return { ok: true, lines: [commit], outputs: { commit } };
}

/** `find assets third_party/libclang-static-build -maxdepth 1`: everything once. */
export function judgeAssets({ stdout }: CommandOutcome): Verdict {
  const names = linesOf(stdout).map((path) => path.slice(path.lastIndexOf("/") + 1));
  const again = names.filter((name) => /\.\d+$/.test(name) && names.includes(name.replace(/\.\d+$/, "")));
  if (again.length > 0) return { ok: false, final: true, reason: `downloaded twice: ${again.join(", ")}`, lines: again };
  const wanted: readonly (readonly [string, RegExp])[] = [
    ["libclang", /^libclang/],
    ["Go 1.23.2", /^go1\.23\.2/],
    ["Nsight", /nsight/i],
  ];
  const missing = wanted.filter(([, pattern]) => !names.some((name) => pattern.test(name))).map(([what]) => what);
  if (missing.length > 0) return { ok: false, reason: `not there: ${missing.join(", ")}`, lines: names };
  return { ok: true, lines: names.filter((name) => wanted.some(([, pattern]) => pattern.test(name))) };
}

export type BuildResult = "done" | "unfinished" | "failed" | "silent";

/** What build.sh said last, whatever its exit code. */
export function buildResult({ exitCode, state, stdout, stderr }: CommandOutcome): {
  readonly result: BuildResult;
  readonly log: string;
  readonly lines: readonly string[];
} {
  const lines = linesOf(`${stdout}\n${stderr}`);
  const complaint = lines.find((line) => line.includes("failed, please see log at"));
  const named = /please see log at\s+([^\s,;]+)/.exec(complaint ?? "")?.[1] ?? "";
  const log = named === "" || named.startsWith("/") ? named : `${home}/build_log/${named}`;
  const says = (pattern: RegExp) => lines.some((line) => pattern.test(line));
  if (complaint !== undefined || exitCode !== 0) {
    const end = exitCode === undefined ? [`(${state})`] : [];
    return { result: "failed", log, lines: [...(complaint === undefined ? lines.slice(-12) : [complaint]), ...end] };
  }
  if (says(/\[NOT FINISHED YET!\]/))
    return { result: "unfinished", log, lines: lines.filter((line) => line.includes("NOT FINISHED YET!")) };
  if (says(/All system go, PhOS is go for launch/))
    return { result: "done", log, lines: lines.filter((line) => line.includes("All system go")) };
  return { result: "silent", log, lines: lines.slice(-12) };
}

/** The end of the act itself is never judged: what went wrong is read from the log it names, in the step's evidence. */
export function notePass(result: CommandOutcome): Verdict {
  const { result: said, log, lines } = buildResult(result);
  return { ok: true, outputs: { said, log, lines, startedMs: result.startedMs } };
}

/** Evidence of a pass: `shown` is the tail of the log it named, when it failed. */
export function judgePass(outputs: Readonly<Record<string, Json>>, isLast: boolean, shown: CommandOutcome): Verdict {
  const lines = Array.isArray(outputs["lines"]) ? outputs["lines"].map(String) : [];
  const log = typeof outputs["log"] === "string" ? outputs["log"] : "";
  switch (outputs["said"]) {
    case "done":
      return { ok: true, lines };
    case "unfinished":
      if (!isLast) return { ok: true, lines: [...lines, "rustup runs on its own; the next pass goes on when cargo is there"] };
      return { ok: false, final: true, reason: "build.sh still says [NOT FINISHED YET!] in its last pass", lines };
    case "failed":
      return log === ""
        ? { ok: false, final: true, reason: "build.sh failed", lines }
        : { ok: false, final: true, reason: `build.sh failed, see ${log}`, lines: [...lines, ...linesOf(shown.stdout).slice(-20)] };
    default:
      return { ok: false, final: true, reason: 'build.sh ended without saying "All system go" or why not', lines };
  }
}

/** Whether a pass before this one has said "All system go". */
export function isBuilt(design: Design, before: number, { outputs }: Known): boolean {
  return passes.some((pass) => pass < before && outputs[stepIds.pass(design, pass)]?.["said"] === "done");
}

/** `stat -c "%Y %n" FILE…`: all there, and none older than the build (second it began; 0 = any). */
export function judgeInstalled({ stdout }: CommandOutcome, sinceS: number): Verdict {
  const seen = new Map(linesOf(stdout).map((line) => [line.slice(line.indexOf(" ") + 1), Number.parseInt(line, 10)]));
  const missing = installedFiles.filter((file) => !seen.has(file));
  if (missing.length > 0) return { ok: false, final: true, reason: `not installed: ${missing.join(", ")}` };
  const old = installedFiles.filter((file) => (seen.get(file) ?? 0) < sinceS);
  if (old.length > 0) return { ok: false, final: true, reason: `older than this build: ${old.join(", ")}`, lines: linesOf(stdout) };
  return { ok: true, lines: linesOf(stdout) };
}

/** `grep phos= /etc/profile`: the variable that preloads the interposer. */
export function judgeProfile({ stdout }: CommandOutcome): Verdict {
  const line = linesOf(stdout).find((each) => /^\s*(?:export\s+)?phos=.*libxpuclient\.so/.test(each));
  return line === undefined
    ? { ok: false, final: true, reason: "/etc/profile has no variable phos that preloads libxpuclient.so" }
    : { ok: true, lines: [line.trim()] };
}

/** What the stamp says when this commit was built with this configuration. */
export function stampOf({ parameters }: Design, commit: string): string {
  const config = Object.entries(parameters.buildConfig).map(([key, value]) => ` ${key}=${String(value)}`);
  return `${commit}${parameters.unitTests ? " with unit tests" : ""}${config.join("")}\n`;
}
