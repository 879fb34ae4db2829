/** What a simulation needs to know of a node beyond what a real lab does: its `sim:` section, checked, with defaults. */
import { z } from "zod";
import { InvalidArgumentError, InvalidInventoryError } from "../../proto/base/errors.js";
import { cipherSuite, cipherSuites, type CipherSuite } from "../ipmi/crypto/index.js";
import { type Fault, parseFault } from "./bmc/faults/index.js";

const sizeUnits: Readonly<Record<string, number>> = { M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

const size = z
  .string()
  .regex(/^[1-9][0-9]*[MGT]$/, "a size such as 16G")
  .transform((text) => Number.parseInt(text, 10) * (sizeUnits[text.slice(-1)] ?? 1));

const suite = z.number().transform((id, context): CipherSuite => {
  const known = cipherSuite(id);
  if (known !== undefined) return known;
  context.addIssue({ code: "custom", message: `cipher suite ${id} is not simulated; there are ${Object.keys(cipherSuites).join(" ")}` });
  return z.NEVER;
});

const bmcFault = z.string().transform((text, context): Fault => {
  try {
    return parseFault(text);
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    context.addIssue({ code: "custom", message: error.message });
    return z.NEVER;
  }
});

/** A folder beside this file each; hexo furnishes an x86 machine or a board by the node's arch. */
export const simulatedSystems = ["lego", "hexo", "phoenix", "phos"] as const;

/** What is installed on a machine's disk. */
const distributions = ["centos", "debian", "ubuntu"] as const;
export type Distribution = (typeof distributions)[number];

const schema = z.strictObject({
  /** What it is furnished for: which tree, tools and kernels it has beyond a plain Linux. */
  system: z.enum(simulatedSystems).default("lego"),
  /** Default: 12, or 4 of a board. */
  processors: z.number().int().min(1).max(256).optional(),
  /** Default: 64G, or 2G of a board. */
  memory: size.optional(),
  /** LID of its InfiniBand port; default: by its place in the inventory. */
  lid: z.number().int().min(1).max(0xbfff).optional(),
  /** Default: a server has one, a board has none. */
  hca: z.boolean().optional(),
  subnetManager: z.boolean().default(true),
  /** CentOS 7, Debian 12 or Ubuntu 22.04; default: what its system is documented on, Debian for a board. */
  distribution: z.enum(distributions).optional(),
  /** Release of its Linux; default: the distribution's. */
  linux: z.string().min(1).optional(),
  /** Seconds from power to the firmware's banner. */
  post: z.number().min(0).max(3600).default(60),
  power: z.enum(["on", "off"]).default("on"),
  cipherSuites: z.array(suite).min(1).prefault([17, 3]),
  sessionSlots: z.number().int().min(1).max(63).default(5),
  /** Files somebody put on its disk, by absolute path; what is there already stays. */
  files: z.record(z.string().startsWith("/", "needs an absolute path"), z.string()).prefault({}),
  /** Ways in which it misbehaves, by names its system knows. */
  faults: z.array(z.string()).default([]),
  /** What is wrong with its BMC from the start: drop, delay=300ms… */
  bmcFaults: z.array(bmcFault).prefault([]),
});

/** What a machine has that says nothing else, by architecture. */
const usual = {
  x86_64: { processors: 12, memory: 64 * 2 ** 30, hca: true },
  aarch64: { processors: 4, memory: 2 * 2 ** 30, hca: false },
} as const;

const usualDistribution: Readonly<Record<(typeof simulatedSystems)[number], Distribution>> = {
  lego: "centos",
  hexo: "centos",
  phoenix: "ubuntu",
  phos: "ubuntu",
};

const usualRelease: Readonly<Record<Distribution, string>> = {
  centos: "3.10.0-327.el7.x86_64",
  debian: "6.1.0-18-arm64",
  ubuntu: "5.15.0-91-generic",
};

type Usual = "processors" | "memory" | "hca" | "distribution" | "linux";
type Written = z.output<typeof schema>;
export type NodeParameters = Omit<Written, Usual> & { readonly [Key in Usual]: Exclude<Written[Key], undefined> };

/** What may stand under `faults`, by system. */
export type KnownFaults = Readonly<Record<(typeof simulatedSystems)[number], readonly string[]>>;

/** The `sim:` sections of nodes, in their order. Throws InvalidInventoryError with every problem in any of them. */
export function nodeParameters(
  nodes: readonly { name: string; arch?: string; sim: Readonly<Record<string, unknown>> }[],
  knownFaults: KnownFaults,
): readonly NodeParameters[] {
  const problems: string[] = [];
  const parameters = nodes.flatMap(({ name, arch, sim }) => {
    const result = schema.safeParse(sim);
    if (result.success) {
      problems.push(...unknownFaults(name, result.data, knownFaults));
      return [withDefaults(arch, result.data)];
    }
    problems.push(...result.error.issues.map((issue) => `nodes.${[name, "sim", ...issue.path].join(".")}: ${issue.message}`));
    return [];
  });
  if (problems.length > 0) throw new InvalidInventoryError(problems.join("\n"));
  return parameters;
}

function withDefaults(arch: string | undefined, written: Written): NodeParameters {
  const { processors, memory, hca } = arch === "aarch64" ? usual.aarch64 : usual.x86_64;
  const distribution = written.distribution ?? (arch === "aarch64" ? "debian" : usualDistribution[written.system]);
  return {
    ...written,
    processors: written.processors ?? processors,
    memory: written.memory ?? memory,
    hca: written.hca ?? hca,
    distribution,
    linux: written.linux ?? usualRelease[distribution],
  };
}

function unknownFaults(node: string, { system, faults }: Written, knownFaults: KnownFaults): string[] {
  const known = knownFaults[system];
  return faults
    .filter((fault) => !known.includes(fault))
    .map((fault) => `nodes.${node}.sim.faults: ${fault} is none of ${system}'s; there are ${known.join(" ") || "none"}`);
}
