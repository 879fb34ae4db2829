/** Source and toolchains (facts: Phoenix §1, env_setup; §3 steps 1 and 2). */
import type { CommandOutcome, Look, Step, Verdict } from "../../../deploy/recipe.js";
import { type Design, minutes, scriptEnvironment, seconds } from "../design.js";
import { judgeEnded, judgePackages } from "../packages.js";
import { judgePresent } from "../ubuntu.js";
import { failed, lastWords, linesOf, notYet } from "../verdict.js";

export function sourceSteps(design: Design): Step[] {
  return [clone(design), setup(design)];
}

const submodules = ["kernel", "glibc", "userlib", "compiler"];

function clone(design: Design): Step {
  const { node, ids, parameters, paths } = design;
  const whole = submodulesThere(design);
  return {
    id: ids.source,
    phase: "source",
    node: node.name,
    title: `clone of ${parameters.repository}, branch ${parameters.branch}, with submodules`,
    needs: [ids.record],
    repeat: "repeatable",
    standing: [whole],
    acts: () => [
      // A clone that was broken off is no repository; the check has seen that it is ours.
      { kind: "remove-file", path: paths.tree, recursive: true },
      {
        kind: "command",
        argv: ["git", "clone", "--recurse-submodules", "--branch", parameters.branch, parameters.repository, "phoenix"],
        cwd: parameters.home,
        env: scriptEnvironment(design),
        timeoutMs: parameters.cloneWithinMin * minutes,
      },
    ],
    evidence: [whole],
  };
}

/** The way out, and that there is what is to be cloned. */
export function remoteThere({ parameters: { repository, branch } }: Design): Look {
  const byHttps = ["git@github.com:", "ssh://git@github.com/"].flatMap((from) => ["-c", `url.https://github.com/.insteadOf=${from}`]);
  return {
    kind: "command",
    argv: () => ["git", ...byHttps, "ls-remote", repository, branch],
    claim: "the network reaches the repository, and it has the branch",
    withinMs: 60 * seconds,
    judge: (result) => judgeRemote(result, branch),
  };
}

/** `git ls-remote URL BRANCH`; it ends with 0 without the branch too. Asked again where the repository does not answer. */
export function judgeRemote(result: CommandOutcome, branch: string): Verdict {
  const lines = linesOf(result.stdout).filter((line) => /^[0-9a-f]{40}\s/.test(line));
  const found = lines.find((line) => [`refs/heads/${branch}`, `refs/tags/${branch}`].includes(line.slice(41).trim()));
  if (found !== undefined) return { ok: true, lines: [found] };
  if (result.exitCode === 0) return failed(`the repository has no branch ${branch}`);
  return notYet("the repository does not answer: is there a way out to the network?", lastWords(result, 3));
}

function submodulesThere({ paths }: Design): Look {
  return {
    kind: "command",
    argv: () => ["git", "submodule", "status"],
    cwd: paths.tree,
    claim: "every submodule is checked out",
    withinMs: 60 * seconds,
    judge: judgeSubmodules,
  };
}

/** A line that starts with "-": not checked out. "+" is another commit than recorded, which the scripts themselves choose. */
export function judgeSubmodules(result: CommandOutcome): Verdict {
  const lines = linesOf(result.stdout);
  const wrong = lines.filter((line) => line.startsWith("-") || line.startsWith("U"));
  if (wrong.length > 0) return failed(`not checked out: ${wrong.map((line) => line.slice(1).split(/\s+/)[1]).join(", ")}`, wrong);
  const missing = submodules.filter((name) => !lines.some((line) => line.split(/\s+/).includes(name)));
  if (missing.length > 0) return failed(`no submodule ${missing.join(", ")}; is this the branch sosp25?`, lastWords(result));
  return { ok: true, lines };
}

/** Those of env_setup.sh that later steps call or link; it installs more. */
const packages = (
  "git build-essential cmake clang-15 llvm-15-dev libclang-15-dev flex bison gawk libssl-dev libelf-dev dwarves autoconf libtool " +
  "pkg-config texinfo environment-modules python3-pip python3-pandas maven"
).split(" ");

function setup(design: Design): Step {
  const { node, ids, parameters, paths } = design;
  const evidence = toolchainThere(design);
  return {
    id: ids.setup,
    phase: "setup",
    node: node.name,
    title: "env_setup.sh: packages, clang-15, wllvm, address-space setting",
    needs: [ids.source],
    repeat: "repeatable",
    standing: evidence,
    acts: () => [
      {
        kind: "command",
        // Never with an argument: "qemu" rewrites /etc/fstab and root's password.
        argv: ["./scripts/env_setup.sh"],
        cwd: paths.tree,
        env: { ...scriptEnvironment(design), DEBIAN_FRONTEND: "noninteractive" },
        timeoutMs: parameters.setupWithinMin * minutes,
        // It ends with 0 whatever has failed.
        expect: judgeEnded,
      },
    ],
    evidence,
  };
}

function toolchainThere({ parameters, paths }: Design): readonly Look[] {
  const { home } = parameters;
  const look = (argv: readonly string[], claim: string, judge: (result: CommandOutcome) => Verdict): Look => ({
    kind: "command",
    argv: () => argv,
    claim,
    withinMs: 30 * seconds,
    judge,
  });
  return [
    look(["dpkg", "-s", ...packages], "the packages are installed", (result) => judgePackages(result, packages)),
    look(["clang-15", "--version"], "clang-15 runs", judgePresent),
    // pip puts it below the home directory, for root below /usr/local.
    look(["find", `${home}/.local/bin`, "/usr/local/bin", "-maxdepth", "1", "-name", "wllvm"], "wllvm is there", judgeWllvm),
    look(["cat", "/proc/sys/kernel/randomize_va_space"], "address-space randomization is off", judgeAslrOff),
    // A shell, because `module` is a function of it.
    look(
      ["bash", "-c", `source /usr/share/modules/init/bash && module use ${paths.modulefiles} && module avail`],
      "environment modules find Phoenix's",
      judgeModules,
    ),
  ];
}

export function judgeWllvm({ stdout }: CommandOutcome): Verdict {
  const lines = linesOf(stdout);
  return lines.length > 0 ? { ok: true, lines } : failed("wllvm is neither in ~/.local/bin nor in /usr/local/bin: pip has failed");
}

export function judgeAslrOff({ stdout }: CommandOutcome): Verdict {
  const value = stdout.trim();
  return value === "0" ? { ok: true, lines: ["randomize_va_space is 0"] } : failed(`randomize_va_space is ${value}, not 0`);
}

const modules = ["ycsb", "criu", "polygraph", "redis/phx-72", "redis/orig-72", "redis/phx-7445", "redis/orig-7445"];

/** `module avail` prints on standard error. */
export function judgeModules(result: CommandOutcome): Verdict {
  const words = `${result.stdout}\n${result.stderr}`.split(/\s+/);
  const missing = modules.filter((name) => !words.includes(name));
  return missing.length > 0 ? failed(`no module ${missing.join(", ")}`, lastWords(result)) : { ok: true, lines: [modules.join(" ")] };
}
