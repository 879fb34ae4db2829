/** The shape of an inventory file. What a shape cannot say (names that must exist, addresses used twice) is in cross-check.ts. */
import { z } from "zod";
import { addressProblem } from "./address.js";

const name = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_.-]*$/, "a name begins with a letter and holds letters, digits, dot, dash, underscore")
  .max(64);

const address = z.string().superRefine((text, context) => {
  const problem = addressProblem(text);
  if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
});

const port = z.int().min(1).max(65535);

const secret = z
  .union([z.strictObject({ env: z.string().min(1) }), z.strictObject({ file: z.string().startsWith("/", "needs an absolute path") })], {
    error: "a secret is never written into an inventory; write { env: NAME } or { file: /PATH } (mode 0600)",
  })
  .describe("Where the secret is: an environment variable of the controller, or a file only it can read (0600)");

/** Names agent/ipmi/quirks.ts knows; a test holds the two lists together. */
export const bmcQuirks = [
  "opensesspriv",
  "authcap",
  "suiterefusal",
  "sourceport",
  "noauthcap",
  "privlookup",
  "intel20",
  "supermicro20",
  "sun20",
  "highprivilege",
  "nochecksumcheck",
  "solpayloadsize",
  "solport",
  "solchannelsupport",
  "solstatus",
  "noinstanceinfo",
  "serialalertsdeferred",
  "ctsasserted",
  "auxplain",
  "solpacketseq",
  "solkeepalivenul",
] as const;

const bmcKeys = {
  port: port.optional().describe("UDP port of the BMC; default 623"),
  user: z.string().max(16, "an IPMI user name has at most 16 bytes").optional(),
  password: secret.optional(),
  kg: secret.optional().describe("BMC key K_g, where one is set"),
  privilege: z.enum(["user", "operator", "administrator"]).optional().describe("Default operator: enough for power, boot device and SOL"),
  cipher_suites: z
    .array(z.int().refine((suite) => [3, 8, 12, 17].includes(suite), "labd speaks suites 17, 12, 8 and 3; never one without encryption"))
    .min(1)
    .optional()
    .describe("Tried in this order; default [17, 3]"),
  quirks: z.array(z.enum(bmcQuirks)).optional().describe("Named workarounds for this BMC"),
  via: name.optional().describe("Site agent beside the BMC; default: the only one"),
};

const bmc = z.strictObject({ address, ...bmcKeys });

const consoleKinds = {
  sol: z.strictObject({}).optional().describe("Serial over LAN of the node's BMC"),
  tcp: z
    .string()
    .regex(/^.+:\d+$/, "needs HOST:PORT")
    .optional()
    .describe("Raw TCP, e.g. ser2net: HOST:PORT"),
  unix: z.string().startsWith("/", "needs an absolute path").optional().describe("Unix socket on the site agent"),
  file: z
    .string()
    .startsWith("/", "needs an absolute path")
    .optional()
    .describe("A file that grows on the site agent (virsh serial type='file')"),
};

const consoleShape = z
  .strictObject({
    ...consoleKinds,
    line: z
      .string()
      .regex(/^tty[A-Za-z0-9]+$/, "is the node's own name for the line, like ttyS1")
      .optional(),
    baud: z.int().positive().optional().describe("Default 115200"),
    via: name.optional().describe("Site agent the line arrives at; default: the only one"),
  })
  .refine((each) => Object.keys(consoleKinds).filter((kind) => kind in each).length <= 1, "has more than one of sol, tcp, unix, file");

const seconds = z.number().min(0).max(86_400);

/** Kept apart from the means: they protect a machine however it is switched. */
const powerSafetyKeys = {
  min_off: seconds.optional().describe("Least time off before it is switched on again, in seconds; default: the agent's settling time (5)"),
  cycles_per_hour: z
    .int()
    .min(1)
    .max(1000)
    .optional()
    .describe("How often it may be switched on or reset within an hour; default: no limit"),
};

const powerMeans = {
  command: z
    .array(z.string())
    .min(1)
    .optional()
    .describe("A program on the site agent, called with status, on, off, reset or soft appended"),
  redfish: z
    .strictObject({
      url: z
        .string()
        .regex(/^https?:\/\/[^/\s]+$/, "needs https://HOST or https://HOST:PORT")
        .optional()
        .describe("Default: https:// and the address of the node's bmc"),
      user: z.string().min(1).optional().describe("Default: the bmc's"),
      password: secret.optional().describe("Default: the bmc's"),
      system: z.string().startsWith("/redfish/v1/Systems/").optional().describe("Default: the only one there is"),
      fingerprint: z
        .string()
        .regex(/^([0-9A-Fa-f]{2}:?){32}$/, "is the SHA-256 of the certificate: 64 hexadecimal digits")
        .optional()
        .describe("SHA-256 of the service's certificate; default: it must be signed by an authority the agent's machine trusts"),
    })
    .optional()
    .describe("A Redfish service, for example of the BMC"),
  libvirt: z
    .strictObject({
      domain: z.string().min(1).optional().describe("Default: the node's name"),
      uri: z.string().min(1).optional().describe("Default qemu:///system"),
    })
    .optional()
    .describe("A virtual machine, by virsh on the site agent"),
  agent: z.literal(true).optional().describe("By the node's own operating system, through its agent or ssh: reset only"),
  manual: z.string().optional().describe("By an operator's hand; says where the switch is"),
};

const power = z
  .strictObject({
    ...powerMeans,
    ...powerSafetyKeys,
    group: name.optional().describe("What it shares its supply with: a key of power_groups"),
    hold: z.string().min(1).optional().describe("Its power must not be touched, and why"),
    via: name.optional().describe("Site agent that switches it; default: the bmc's, or the only one"),
  })
  .refine(
    (each) => Object.keys(powerMeans).filter((means) => means in each).length <= 1,
    `has more than one of ${Object.keys(powerMeans).join(", ")}`,
  );

const node = z.strictObject({
  arch: z.enum(["x86_64", "aarch64"]).optional().describe("Default x86_64"),
  address: address.optional(),
  tags: z.array(name).optional(),
  bmc: bmc.optional(),
  power: power.optional().describe("How its power is switched when not by its bmc, and what it is protected from"),
  console: z
    .union([consoleShape, z.literal("none")], {
      error: ({ input }) =>
        typeof input === "object" ? undefined : 'is "none" or says where the line arrives: { sol: {} }, { tcp: "HOST:PORT" }…',
    })
    .optional(),
  agent: z.boolean().optional().describe("false: no agent runs on this machine"),
  ssh: z
    .strictObject({
      via: name.describe("Node (or agent) whose agent connects"),
      address: address.optional().describe("Default: the node's own"),
      port: port.optional().describe("Default 22"),
      user: z
        .string()
        .regex(/^[a-z_][a-z0-9_-]*$/, "is not a user name")
        .optional()
        .describe("Default root"),
      identity: z
        .string()
        .startsWith("/", "needs an absolute path")
        .optional()
        .describe("Private key on the connecting machine; default id_ed25519, id_ecdsa or id_rsa in its ~/.ssh"),
      host_key: z
        .string()
        .regex(/^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/=]+$/, 'needs a public key: "ssh-ed25519 AAAA…"')
        .optional()
        .describe("The host's public key; default: the connecting machine's ~/.ssh/known_hosts"),
    })
    .optional()
    .describe("No agent runs on this machine: commands and files get there by ssh from the agent of another"),
  sim: z.record(z.string(), z.unknown()).optional().describe("What `lab sim` needs to know of the machine it simulates"),
});

const deployment = z.strictObject({
  recipe: z.string().min(1),
  roles: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
  with: z.record(z.string(), z.unknown()).optional(),
});

export const inventorySchema = z.strictObject({
  lab: name,
  agents: z.record(name, z.strictObject({ site: z.boolean().optional() })).optional(),
  defaults: z
    .strictObject({
      bmc: z.strictObject(bmcKeys).optional(),
      console: consoleShape.optional(),
      power: z.strictObject(powerSafetyKeys).optional(),
      arch: z.enum(["x86_64", "aarch64"]).optional(),
    })
    .optional(),
  power_groups: z
    .record(
      name,
      z.strictObject({
        at_once: z.int().min(1).max(1000).optional().describe("Power transitions under way at the same time; default: no limit"),
        stagger: seconds.optional().describe("Least time between two nodes being switched on, in seconds"),
      }),
    )
    .optional()
    .describe("Nodes on one PDU or in one rack, and what their supply stands"),
  nodes: z.record(name, node),
  deployments: z.record(name, deployment).optional(),
});

export type InventoryFile = z.infer<typeof inventorySchema>;

/** JSON Schema (draft 7) of an inventory file, for editors. */
export function inventoryJsonSchema(): unknown {
  return { title: "labd inventory", ...z.toJSONSchema(inventorySchema, { target: "draft-7", unrepresentable: "any" }) };
}
