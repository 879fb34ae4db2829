/** What a deployment may say under `with:`, and what `lab run` may ask for. */
import { z } from "zod";

const minutesFor = (what: string, usual: number) => z.number().int().min(1).max(1440).default(usual).describe(`Minutes ${what} may take`);

export const phoenixParameters = z.strictObject({
  home: z
    .string()
    // It becomes part of a shell's command line.
    .regex(
      /^(\/[A-Za-z0-9_@+-][A-Za-z0-9._@+-]*)+$/,
      "must be an absolute path of letters, digits and . _ @ + -, without a slash at its end",
    )
    .default("/root")
    .describe("Home directory of the user the node's agent runs as. Phoenix's paths are fixed: ~/phoenix and ~/sysroot"),
  repository: z
    .string()
    .regex(/^(https:\/\/|ssh:\/\/|git@|file:\/\/|\/)\S+$/, "must be a URL or path git can clone")
    .default("https://github.com/OrderLab/phoenix.git")
    .describe("Where Phoenix is cloned from, with its submodules"),
  branch: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._/-]*$/, "must be a branch name")
    .default("sosp25")
    .describe("Branch to clone; the older master lacks the scripts this recipe needs"),
  jobs: z.number().int().min(1).max(1024).optional().describe("Jobs of every build; default: as many as the node has threads"),
  kernelWaitMin: z
    .number()
    .int()
    .min(2)
    .max(60)
    .default(10)
    .describe("Minutes from the reboot until the new kernel must answer; then power is cycled and the old kernel comes back"),
  defaultKernel: z.boolean().default(false).describe("Make the Phoenix kernel what the node boots by itself, once all is proven"),
  keep: z.boolean().default(false).describe("Let undeploy leave ~/phoenix and ~/sysroot, so that the next deploy need not build again"),
  proofCase: z.enum(["761", "7445", "10070"]).default("761").describe("Case of the run that proves the deployment"),
  proofKillTimeS: z.number().int().min(20).max(400).default(120).describe("When that run's fault strikes, in seconds of load"),
  cloneWithinMin: minutesFor("the clone, kernel history included,", 120),
  setupWithinMin: minutesFor("packages and toolchains", 60),
  kernelWithinMin: minutesFor("the kernel, which is built twice,", 180),
  runtimeWithinMin: minutesFor("glibc, library and compiler pass", 90),
  sysrootWithinMin: minutesFor("copying /lib and installing glibc", 40),
  toolsWithinMin: minutesFor("YCSB, CRIU and PolyGraph", 90),
  appsWithinMin: minutesFor("four builds of redis", 60),
});

export type PhoenixParameters = z.infer<typeof phoenixParameters>;

export const modes = ["vanilla", "builtin", "phx", "criu"] as const;
export type Mode = (typeof modes)[number];

/** Numbers of redis issues; each has a trigger of its own. */
export const cases = ["761", "7445", "10070", "12290"] as const;
export type Case = (typeof cases)[number];

const modeWords = z
  .string()
  .regex(/^(all|(vanilla|builtin|phx|criu)(,(vanilla|builtin|phx|criu))*)$/, `all, or one or more of ${modes.join(", ")} with commas`);

export const experimentParameters = z.strictObject({
  experiment: z.enum(["redis"]).default("redis").describe("Application; only redis ships"),
  case: z
    .union([z.enum(cases), z.literal([761, 7445, 10070, 12290]).transform((number) => `${number}` as Case)])
    .default("761")
    .describe(`Fault to inject, by its issue: ${cases.join(", ")}`),
  mode: z
    .union([modeWords, z.array(z.enum(modes)).min(1)])
    .default("phx")
    .describe(`Way of recovery: ${modes.join(", ")}, several with commas, or all`),
  repeat: z.number().int().min(1).max(20).default(1).describe("Runs of each mode; 10 to 12 minutes each, vanilla about 32"),
  killTime: z.number().int().min(20).max(400).default(120).describe("When the fault strikes, in seconds of load"),
  group: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,60}$/, "letters, digits, dots, dashes and underscores")
    .optional()
    .describe("Suffix of the result folder; default: one of this run's own"),
});

export type ExperimentParameters = z.infer<typeof experimentParameters>;

/** The modes asked for, each once, in the order of the report. */
export function modesOf(asked: ExperimentParameters["mode"]): readonly Mode[] {
  const words = typeof asked === "string" ? asked.split(",") : asked;
  return modes.filter((mode) => words.includes("all") || words.includes(mode));
}
