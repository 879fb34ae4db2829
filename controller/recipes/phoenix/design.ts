/** A deployment that has passed the checks of problems.ts: what every step is derived from. */
import { createHash } from "node:crypto";
import type { Known, PlannedNode } from "../../deploy/recipe.js";
import type { PhoenixParameters } from "./parameters.js";

export { textFrom } from "../../deploy/recipe.js";

export const seconds = 1000;
export const minutes = 60 * seconds;

/** What `uname -r` says on the Phoenix kernel (facts: Phoenix §1). */
export const phoenixRelease = "5.15.94+";

export interface Paths {
  readonly tree: string;
  readonly sysroot: string;
  /** What labd writes down on the node: what was before, and what was proven. */
  readonly notes: string;
  readonly before: string;
  /** Says that tree and sysroot were made by labd from this very source. */
  readonly marker: string;
  /** Which packages were installed, and in which boot. */
  readonly installed: string;
  readonly experiments: string;
  readonly modulefiles: string;
}

export interface Design {
  readonly node: PlannedNode;
  readonly parameters: PhoenixParameters;
  readonly paths: Paths;
  readonly ids: ReturnType<typeof stepIds>;
}

export function designOf(node: PlannedNode, parameters: PhoenixParameters): Design {
  const { home, repository, branch } = parameters;
  const [tree, notes] = [`${home}/phoenix`, `${home}/.labd-phoenix`];
  const digest = createHash("sha256").update(`${repository}\n${branch}\n`).digest("hex").slice(0, 16);
  const paths: Paths = {
    tree,
    sysroot: `${home}/sysroot`,
    notes,
    before: `${notes}/before.json`,
    marker: `${notes}/source-${digest}`,
    installed: `${notes}/installed`,
    experiments: `${tree}/experiments/redis`,
    modulefiles: `${tree}/modulefiles`,
  };
  return { node, parameters, paths, ids: stepIds(node.name) };
}

/** Ids of the steps that others need or read from. */
function stepIds(node: string) {
  return {
    check: `check/${node}`,
    record: `record/${node}`,
    source: `source/${node}`,
    setup: `setup/${node}`,
    kernel: `kernel/${node}`,
    pin: `install/${node}/pin`,
    install: `install/${node}/packages`,
    boot: `boot/${node}`,
    runtime: `runtime/${node}`,
    sysroot: `sysroot/${node}`,
    tools: `tools/${node}`,
    apps: `apps/${node}`,
    ready: `ready/${node}`,
    report: `report/${node}`,
    defaultKernel: `default/${node}`,
    recall: `recall/${node}`,
    oldKernel: `old-kernel/${node}`,
    packages: `packages/${node}`,
    sysctl: `sysctl/${node}`,
    grub: `grub/${node}`,
    files: `files/${node}`,
  } as const;
}

/**
 * What the scripts find in their environment. They clone by ssh in places where https needs no key; a build asks nproc, which
 * takes OMP_NUM_THREADS as the number.
 */
export function scriptEnvironment({ parameters, paths }: Design): Readonly<Record<string, string>> {
  const { home, jobs } = parameters;
  return {
    HOME: home,
    MODULEPATH: paths.modulefiles,
    GIT_TERMINAL_PROMPT: "0",
    GIT_CONFIG_COUNT: "2",
    GIT_CONFIG_KEY_0: "url.https://github.com/.insteadOf",
    GIT_CONFIG_VALUE_0: "git@github.com:",
    GIT_CONFIG_KEY_1: "url.https://github.com/.insteadOf",
    GIT_CONFIG_VALUE_1: "ssh://git@github.com/",
    ...(jobs === undefined ? {} : { OMP_NUM_THREADS: String(jobs) }),
  };
}

/** Result folder of a run, below the experiments: its own, whatever ran before. */
export function resultGroup(known: Known, asked?: string): string {
  return asked ?? `labd-${known.runId}`;
}
