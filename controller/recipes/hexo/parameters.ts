/** What a deployment may say under `with:`. Shapes only; what parameters mean together is judged in problems.ts. */
import { z } from "zod";

const absolutePath = z.string().regex(/^\/[A-Za-z0-9_./+-]*$/, "must be an absolute path of letters, digits and _ . / + -");
const ipv4 = z.string().regex(/^(?:\d{1,3}\.){3}\d{1,3}$/, "must be a numeric IPv4 address: the proxy resolves no names");
const word = z.string().regex(/^[^\s\0]+$/, "must be one word");

export const modes = ["checkpoint", "post-copy"] as const;
export const directions = ["x86-to-arm", "arm-to-x86", "ping-pong"] as const;
export const requests = ["migtest", "signal"] as const;

export const mode = z
  .enum(modes)
  .describe("checkpoint: everything is written, copied and restored; post-copy: memory stays with the source, which serves it on demand");
export const direction = z.enum(directions).describe("Where the application starts and where it goes; ping-pong: there and back");
export const rounds = z.number().int().min(1).max(50).describe("How often ping-pong goes there and back");
export const request = z
  .enum(requests)
  .describe("How a migration is asked for: migtest = the proxy's own one-shot timer; signal = SIGUSR1, once it is ready for it");
export const migtest = z
  .number()
  .int()
  .min(1)
  .max(86_400)
  .describe("MIGTEST: seconds from a proxy's start to its migration; with request signal: seconds from ready to the signal");

const toolchain = z.strictObject({
  install: z.boolean().default(false).describe("Install it with install_compiler.py when its files are not there: 20 minutes and more"),
  threads: z.number().int().min(1).max(512).optional().describe("--threads"),
  targets: word.optional().describe("--targets"),
  options: z
    .array(z.string().regex(/^--(?:skip|only)-[a-z0-9-]+$/, "must be one of the script's --skip-… and --only-… options"))
    .default([])
    .describe("Options that leave out parts"),
  python: word.default("python2").describe("The Python 2 that runs the script"),
  withinMin: z.number().int().min(1).max(1440).default(180).describe("Time the installation may take"),
});

export const hexoParameters = z.strictObject({
  source: absolutePath
    .default("/root/popcorn-compiler")
    .describe("popcorn-compiler, branch hermit-master, on the x86 node: install_compiler.py and the applications"),
  pophermit: absolutePath.default("/root/hermit-popcorn").describe("POPHERMIT: the installed toolchain on the x86 node"),
  toolchain: toolchain.prefault({}).describe("Whether and how to install the toolchain"),
  app: z
    .string()
    .regex(/^[A-Za-z0-9_-]+(?:\/[A-Za-z0-9_-]+)*$/, 'must be a directory below the source tree, such as "apps/npb-is"')
    .default("apps/npb-is")
    .describe("Directory of the application below the source tree; its Makefile is the template, util/hermit/Makefile"),
  class: z
    .string()
    .regex(/^[A-Z]?$/, "must be one capital letter, or empty")
    .optional()
    .describe("Problem class: npbparams.h becomes a link to npbparams-CLASS.h; default B for an application of NPB, none for others"),
  srcs: z.string().optional().describe("SRCS: sources to build; default *.c"),
  cflags: z.string().optional().describe("CFLAGS beyond the template's; -finstrument-functions adds migration points to every function"),
  mem: z
    .string()
    .regex(/^[1-9][0-9]*[MG]$/, "must be a size such as 1G")
    .default("2G")
    .describe("MEM: memory of the unikernel, the same on both machines; a board of 2 GB cannot take 2G"),
  cpus: z.number().int().min(1).max(64).default(1).describe("CPUS"),
  verbose: z.boolean().default(false).describe("VERBOSE: log of the unikernel's kernel"),
  debug: z.boolean().default(false).describe("DEBUG"),
  args: z.array(word).default([]).describe("ARGS: arguments of the application"),
  mode: mode.default("checkpoint").describe(`FULL_CHKPT_SAVE and FULL_CHKPT_RESTORE, on both sides. ${mode.description ?? ""}`),
  direction: direction.default("x86-to-arm"),
  rounds: rounds.default(1),
  request: request.default("migtest"),
  migtest: migtest.default(5),
  port: z.number().int().min(1).max(65_535).default(5050).describe("PORT: where a post-copy source serves its memory"),
  server: ipv4.optional().describe("SERVER: address at which the board reaches the x86 node in post-copy; default: the node's address"),
  boardAddress: z
    .string()
    .regex(/^[A-Za-z0-9._-]+$/, "must be an address or a host name")
    .optional()
    .describe("ARM_TARGET_IP: where the x86 node reaches the board; default: the node's address"),
  boardUser: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]*$/, "must be a user name")
    .optional()
    .describe("ARM_TARGET_USER: default the inventory's ssh user, else root"),
  boardPort: z.number().int().min(1).max(65_535).optional().describe("Port of the board's sshd: default the inventory's, else 22"),
  boardIdentity: absolutePath.optional().describe("Private key on the x86 node for the board; default: ssh's own choice"),
  boardHome: absolutePath.default("/var/tmp").describe("ARM_TARGET_HOME: programs and checkpoints go into a directory of ours below it"),
  workdir: absolutePath.default("/var/tmp").describe("On the x86 node: checkpoints go into a directory of ours below it"),
  iterations: z
    .string()
    .optional()
    .describe(
      "Regular expression whose first group is the number of the iteration a line of output tells; empty: the application counts none. " +
        "Default: as NPB prints them, for an application of NPB",
    ),
  success: z
    .string()
    .optional()
    .describe('Regular expression of the line that says that the result is right. Default for NPB: "Verification = SUCCESSFUL"'),
  buildWithinMin: z.number().int().min(1).max(240).default(15).describe("Time the build of the application may take"),
  readyWithinS: z.number().int().min(1).max(600).default(10).describe("From the start of a proxy to READY_FOR_MIGRATION"),
  checkpointWithinS: z
    .number()
    .int()
    .min(1)
    .max(86_400)
    .default(300)
    .describe("From the request of a migration to a complete checkpoint: the next migration point, then writing"),
  transferWithinMin: z.number().int().min(1).max(1440).default(30).describe("Time the copy of a checkpoint may take"),
  restoreWithinS: z.number().int().min(1).max(86_400).default(300).describe("From the start of a resumed proxy to running"),
  finishWithinMin: z.number().int().min(1).max(10_080).default(60).describe("From the last resumption to the end of the application"),
  keepBuild: z.boolean().default(true).describe("undeploy leaves the programs built in the source tree"),
});

export type HexoParameters = z.infer<typeof hexoParameters>;
export type Mode = (typeof modes)[number];
export type MigrationRequest = (typeof requests)[number];

/** As NPB's programs print them: "  5", " Time step   20", "  iter    3", " T =    2  Checksum = …", cg's "  4   0.1E-13   22.7". */
export const npbIterations = String.raw`^\s*(?:(?:Time step|iter|T =)\s+)?(\d+)(?:\s+(?:Checksum =.*|[-+]?\d*\.\d+(?:[ED][-+]?\d+)?))*\s*$`;
export const npbSuccess = String.raw`Verification\s*=\s*SUCCESSFUL`;

/** What depends on whether the application is one of the NAS Parallel Benchmarks. `undefined`: not looked for. */
export interface ApplicationSigns {
  readonly npbClass: string | undefined;
  readonly iterations: RegExp | undefined;
  readonly success: RegExp | undefined;
}

/** Throws SyntaxError for an expression that is none. */
export function applicationSigns(parameters: Pick<HexoParameters, "app" | "class" | "iterations" | "success">): ApplicationSigns {
  const isNpb = /(?:^|\/)npb\b/.test(parameters.app);
  const pattern = (given: string | undefined, npb: string) => {
    const source = given ?? (isNpb ? npb : "");
    return source === "" ? undefined : new RegExp(source);
  };
  const letter = parameters.class ?? (isNpb ? "B" : "");
  return {
    npbClass: letter === "" ? undefined : letter,
    iterations: pattern(parameters.iterations, npbIterations),
    success: pattern(parameters.success, npbSuccess),
  };
}
