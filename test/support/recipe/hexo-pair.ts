/** A pair for tests of the hexo recipe: its nodes, inputs of a plan, and what a run would know. */
import type {
  CommandOutcome,
  JobSeen,
  Json,
  Known,
  Outputs,
  PlanDraft,
  PlanInput,
  PlannedNode,
  PlanProblem,
} from "../../../controller/deploy/recipe.js";
import { hexo } from "../../../controller/recipes/hexo/hexo.js";
import { type HexoParameters, hexoParameters } from "../../../controller/recipes/hexo/parameters.js";

export function pairNode(name: string, more: Partial<PlannedNode> = {}): PlannedNode {
  const isBoard = name.startsWith("potato");
  return {
    name,
    arch: isBoard ? "aarch64" : "x86_64",
    address: isBoard ? "10.0.0.20" : "10.0.0.10",
    reach: isBoard ? "ssh" : "agent",
    ssh: isBoard ? { user: "user", port: 2222, via: "x0" } : undefined,
    hasPower: false,
    console: undefined,
    ...more,
  };
}

export interface HexoPair {
  readonly x86?: Partial<PlannedNode>;
  readonly board?: Partial<PlannedNode>;
  /** `with:` as an inventory has it. */
  readonly with?: Readonly<Record<string, unknown>>;
  readonly previous?: Outputs;
}

export function planInput(pair: HexoPair = {}): PlanInput<HexoParameters> {
  return {
    deployment: "hexo-npb-is",
    parameters: hexoParameters.parse(pair.with ?? {}),
    roles: { x86: [pairNode("x0", pair.x86)], board: [pairNode("potato0", pair.board)] },
    previous: pair.previous ?? {},
  };
}

type Draft = PlanDraft | { readonly problems: readonly PlanProblem[] };

/** The plan, or an error that shows the problems. */
export function planned(draft: Draft): PlanDraft {
  if ("problems" in draft) throw new Error(draft.problems.map(({ at, problem }) => `${at}: ${problem}`).join("\n"));
  return draft;
}

export function problemsOf(draft: Draft): string[] {
  return "problems" in draft ? draft.problems.map(({ at, problem }) => `${at}: ${problem}`) : [];
}

export function deployPlan(pair: HexoPair = {}): PlanDraft {
  return planned(hexo.deploy(planInput(pair)));
}

/** Plans an exercise as `lab run` would, with the request completed by its schema. */
export function exercise(name: "run" | "migrate", asked: Readonly<Record<string, unknown>>, pair: HexoPair = {}): Draft {
  const found = hexo.exercises?.[name];
  if (found === undefined) throw new Error(`no exercise ${name}`);
  return found.plan(planInput(pair), found.parameters.parse(asked));
}

export function ended(stdout: string, more: Partial<CommandOutcome> = {}): CommandOutcome {
  return { exitCode: 0, state: "exited", stdout, stderr: "", startedMs: 1000, endedMs: 2000, ...more };
}

/** A job that has ended with exit code 0. */
export function endedJob(stdout: string, more: Partial<JobSeen> = {}): JobSeen {
  return { ...ended(stdout), signal: undefined, pid: 4711, ...more };
}

export function runningJob(stdout: string): JobSeen {
  return endedJob(stdout, { state: "running", exitCode: undefined, endedMs: undefined });
}

const hash = (n: number) => n.toString(16).repeat(64).slice(0, 64);

const files = {
  "bss.bin": 4096,
  "data.bin": 8192,
  "fds.bin": 64,
  "heap.bin": 1 << 20,
  "mdata.bin": 512,
  "stack.bin.0": 8192,
  "tls.bin.0": 256,
};

const proxyOutputs = (n: number): Outputs[string] => ({
  proxy: { job: `job-${n}`, pid: 100 + n, startedMs: 1_000_000 },
  sinceMs: 999_980,
});

const stopOutputs: Outputs[string] = {
  files,
  sha256: Object.fromEntries(Object.keys(files).map((name, index) => [name, hash(index + 1)])) as Json,
  lastIteration: 5,
  stride: 1,
  requestedMs: 1_005_000,
  stoppedMs: 1_006_500,
  bytes: 1_069_696,
};

/** What a run knows once its application has travelled there and back. */
export const known: Known = {
  runId: "20261121-0312-k7",
  nonce: "k793ac",
  agentConnected: true,
  outputs: {
    "build/x0": { cleanedMs: 1000, sha256: { proxy: hash(1), "prog_x86-64_aligned": hash(2), prog_aarch64_aligned: hash(3) } },
    "programs/potato0": { sha256: {} },
    "start/x0/0": proxyOutputs(0),
    "start/potato0/0": proxyOutputs(0),
    "start/potato0/1": proxyOutputs(1),
    "start/x0/1": proxyOutputs(1),
    "start/x0/2": proxyOutputs(2),
    "stop/x0/1": stopOutputs,
    "stop/potato0/1": stopOutputs,
    "stop/potato0/2": stopOutputs,
  },
};
