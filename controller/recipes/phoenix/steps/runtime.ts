/** What is built on the new kernel (facts: Phoenix §1, build_runtime, makesysroot, tools, apps; §3 steps 5 and 6). */
import type { Act, CommandOutcome, Look, Step, Verdict } from "../../../deploy/recipe.js";
import { type Design, minutes, scriptEnvironment, seconds } from "../design.js";
import { judgeScript } from "../packages.js";
import { removeStamps, standing, sums, type Work, writeStamp } from "../stamp.js";
import { judgeRunsPhoenix } from "../ubuntu.js";
import { endOf, failed, lastWords, linesOf } from "../verdict.js";

export function runtimeSteps(design: Design): Step[] {
  return [runtime(design), sysroot(design), tools(design), apps(design)];
}

interface Building {
  readonly work: Work;
  readonly title: string;
  readonly needs: string;
  /** What the step before has proven and this one writes down. */
  readonly proven?: { readonly work: Work; readonly step: string };
  /** Removed first: whatever is there afterwards is of this build. */
  readonly removing: readonly string[];
  readonly script: string;
  /** Default: the tree. */
  readonly cwd?: string;
  readonly withinMin: number;
  readonly judge: (result: CommandOutcome) => Verdict;
  readonly files: readonly string[];
  readonly directories?: readonly string[];
  readonly claim: string;
}

function building(
  design: Design,
  { work, title, needs, proven, removing, script, cwd = design.paths.tree, withinMin, judge, files, directories = [], claim }: Building,
): Step {
  const { node, ids } = design;
  const filled = directories.map(filledDirectory);
  return {
    id: ids[work],
    phase: work,
    node: node.name,
    title,
    needs: [needs],
    repeat: "repeatable",
    standing: [...standing(design, work), ...filled],
    actsWithinMs: (withinMin + 10) * minutes,
    acts: (known) => [
      ...(proven === undefined ? [] : [writeStamp(design, proven.work, proven.step, known)]),
      onPhoenixKernel,
      ...removeStamps(design, work),
      ...removing.map((path): Act => ({ kind: "remove-file", path, recursive: true })),
      { kind: "command", argv: [script], cwd, env: scriptEnvironment(design), timeoutMs: withinMin * minutes, expect: judge },
    ],
    evidence: [sums(() => files, claim), ...filled],
  };
}

/** Asked where it matters, not remembered: the node may have been power-cycled since. */
export const onPhoenixKernel: Act = { kind: "command", argv: ["uname", "-r"], timeoutMs: 15 * seconds, expect: judgeRunsPhoenix };

function filledDirectory(path: string): Look {
  return {
    kind: "command",
    argv: () => ["find", path, "-mindepth", "1", "-maxdepth", "1"],
    claim: `${path} is there and not empty`,
    withinMs: 30 * seconds,
    judge: (result) => {
      const lines = linesOf(result.stdout);
      return lines.length > 0 ? { ok: true, lines: lines.slice(0, 3) } : failed(`${path} is not there or empty`, lastWords(result, 2));
    },
  };
}

function runtime(design: Design): Step {
  const { ids, paths, parameters } = design;
  const objects = ["glibc/build/libc.so", "userlib/build/lib/libphx.so", "compiler/test/phxruntime.o"].map(
    (file) => `${paths.tree}/${file}`,
  );
  return building(design, {
    work: "runtime",
    title: "build_runtime.sh on the new kernel: glibc, userlib, compiler, test runtime",
    needs: ids.boot,
    removing: objects,
    script: "./scripts/build_runtime.sh",
    withinMin: parameters.runtimeWithinMin,
    judge: judgeRuntime,
    files: objects,
    directories: [`${paths.tree}/compiler/build`],
    claim: "glibc, library and test runtime are built",
  });
}

/** The script goes on after a part has failed and says so in one line; only its last part decides its exit code. */
export function judgeRuntime(result: CommandOutcome): Verdict {
  const swallowed = linesOf(`${result.stdout}\n${result.stderr}`).filter((line) => /^Compile \S.* failed!/.test(line.trim()));
  if (swallowed.length > 0)
    return failed(`${swallowed.join(" ")} (the script ended with ${endOf(result)} all the same)`, [...swallowed, ...lastWords(result, 8)]);
  return judgeScript(result);
}

function sysroot(design: Design): Step {
  const { ids, paths, parameters } = design;
  const { sysroot: root } = paths;
  return building(design, {
    work: "sysroot",
    title: "makesysroot.sh: ~/sysroot with the C library, libphx and the runtime",
    needs: ids.runtime,
    proven: { work: "runtime", step: ids.runtime },
    removing: [],
    script: "./scripts/makesysroot.sh",
    withinMin: parameters.sysrootWithinMin,
    judge: judgeScript,
    files: [`${root}/lib/libc.so.6`, `${root}/lib/libphx.so`, `${root}/lib/phxruntime.o`, `${root}/include/phx.h`],
    claim: "library and header are in the sysroot, and no link dangles",
  });
}

function tools(design: Design): Step {
  const { ids, paths, parameters } = design;
  return building(design, {
    work: "tools",
    title: "YCSB, CRIU, PolyGraph",
    needs: ids.sysroot,
    proven: { work: "sysroot", step: ids.sysroot },
    removing: [],
    script: "./build_all.sh",
    cwd: `${paths.tree}/tools`,
    withinMin: parameters.toolsWithinMin,
    judge: judgeTools,
    files: [`${paths.tree}/tools/ycsb-bin/bin/ycsb`, `${paths.tree}/tools/criu-bin/sbin/criu`],
    directories: [`${paths.tree}/tools/polygraph-bin`],
    claim: "load generator and CRIU are built",
  });
}

export function judgeTools(result: CommandOutcome): Verdict {
  const line = linesOf(`${result.stdout}\n${result.stderr}`).find((each) => each.startsWith("Failed build scripts:"));
  return line === undefined ? judgeScript(result) : failed(line, [line, ...lastWords(result, 8)]);
}

function apps(design: Design): Step {
  const { ids, paths, parameters } = design;
  const redis = `${paths.tree}/apps/redis`;
  const builds = ["rel-phx-72", "rel-orig-72", "rel-phx-7445", "rel-orig-7445"];
  return building(design, {
    work: "apps",
    title: "phoenix-redis, four builds",
    needs: ids.tools,
    proven: { work: "tools", step: ids.tools },
    // On a re-run the script ignores that it cannot clone into what is there.
    removing: [`${redis}/code`, ...builds.map((name) => `${redis}/${name}`)],
    script: "./build_all.sh",
    cwd: `${paths.tree}/apps`,
    withinMin: parameters.appsWithinMin,
    judge: judgeScript,
    files: builds.map((name) => `${redis}/${name}/bin/redis-server`),
    claim: "all four redis servers are built",
  });
}
