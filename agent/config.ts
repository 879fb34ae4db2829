/** What an agent is told: by file, environment (LABD_*) and flags, the later winning. `describeOptions` prints all of it. */
import { existsSync, readFileSync } from "node:fs";
import convict from "convict";
import { InvalidArgumentError } from "../proto/base/errors.js";
import { logLevels, type LogLevel } from "../proto/base/logger.js";

const schema = {
  name: { doc: "This agent's name in the inventory", format: String, default: "", env: "LABD_NAME", arg: "name" },
  controller: { doc: "HOST:PORT of lab-controller", format: String, default: "", env: "LABD_CONTROLLER", arg: "controller" },
  state: { doc: "Directory of everything the agent keeps", format: String, default: "/var/lib/labd", env: "LABD_STATE", arg: "state" },
  node: { doc: "Node duty: manage the machine this agent runs on", format: Boolean, default: false, env: "LABD_NODE", arg: "node" },
  root: { doc: "The directory that is / for the machine it manages", format: String, default: "/", env: "LABD_ROOT", arg: "root" },
  joinToken: {
    doc: "Token to join the lab with, once; visible to others as a flag, so prefer the file",
    format: String,
    default: "",
    sensitive: true,
    env: "LABD_JOIN_TOKEN",
    arg: "join-token",
  },
  joinTokenFile: { doc: "File that holds the token", format: String, default: "", env: "LABD_JOIN_TOKEN_FILE", arg: "join-token-file" },
  grubDirectory: {
    doc: "Directory of grub.cfg on the machine; empty: /boot/grub2 or /boot/grub",
    format: String,
    default: "",
    env: "LABD_GRUB_DIRECTORY",
    arg: "grub-directory",
  },
  rebootCommand: {
    doc: "Program and arguments that ask the operating system to reboot",
    format: Array,
    default: ["reboot"],
    env: "LABD_REBOOT_COMMAND",
    arg: "reboot-command",
  },
  keepJobs: { doc: "How many jobs are kept, newest first", format: "nat", default: 200, env: "LABD_KEEP_JOBS", arg: "keep-jobs" },
  powerSettleMs: {
    doc: "How long a machine stays off in a power cycle, in milliseconds",
    format: "nat",
    default: 5_000,
    env: "LABD_POWER_SETTLE_MS",
    arg: "power-settle-ms",
  },
  powerPollMs: {
    doc: "Between two readings of the power state while it is awaited, in milliseconds",
    format: "nat",
    default: 500,
    env: "LABD_POWER_POLL_MS",
    arg: "power-poll-ms",
  },
  powerWindow: {
    doc: "How many power acts are under way at the same time, 0: any number; more wait for their turn",
    format: "nat",
    default: 64,
    env: "LABD_POWER_WINDOW",
    arg: "power-window",
  },
  reconnectMs: {
    doc: "Longest pause between two attempts to reach the controller, in milliseconds",
    format: "nat",
    default: 15_000,
    env: "LABD_RECONNECT_MS",
    arg: "reconnect-ms",
  },
  logLevel: { doc: "How much is logged", format: [...logLevels], default: "info", env: "LABD_LOG_LEVEL", arg: "log-level" },
  logFile: {
    doc: "File the log is appended to; empty: standard error",
    format: String,
    default: "",
    env: "LABD_LOG_FILE",
    arg: "log-file",
  },
  exitWithStdin: {
    doc: "End, and end all jobs, when standard input is closed: for agents somebody starts and must not outlive",
    format: Boolean,
    default: false,
    env: "LABD_EXIT_WITH_STDIN",
    arg: "exit-with-stdin",
  },
} as const;

export interface AgentConfig {
  readonly name: string;
  readonly controller: string;
  readonly state: string;
  readonly node: boolean;
  readonly root: string;
  readonly joinToken: string | undefined;
  readonly grubDirectory: string | undefined;
  readonly rebootCommand: readonly string[];
  readonly keepJobs: number;
  readonly powerSettleMs: number;
  readonly powerPollMs: number;
  readonly powerWindow: number;
  readonly reconnectMs: number;
  readonly logLevel: LogLevel;
  readonly logFile: string | undefined;
  readonly exitWithStdin: boolean;
}

/** Reads the configuration. Throws InvalidArgumentError with all that is wrong with it. */
export function readConfig(args: readonly string[], env: NodeJS.ProcessEnv): AgentConfig {
  const { file, rest } = takeConfigFile(args);
  refuseUnknownFlags(rest);
  const config = convict(schema as unknown as convict.Schema<Record<string, unknown>>, { args: [...rest], env });
  try {
    if (file !== undefined) config.load(JSON.parse(readFileSync(file, "utf8")));
    config.validate({ allowed: "strict" });
  } catch (cause) {
    throw new InvalidArgumentError(
      `configuration${file === undefined ? "" : ` ${file}`}: ${cause instanceof Error ? cause.message : String(cause)}`,
    );
  }
  const values = config.getProperties() as unknown as Omit<AgentConfig, "joinToken" | "grubDirectory" | "logFile"> & {
    joinToken: string;
    joinTokenFile: string;
    grubDirectory: string;
    logFile: string;
  };
  for (const key of ["name", "controller"] as const) {
    if (values[key] === "") throw new InvalidArgumentError(`configuration: ${key} is not set; give --${key} or see --help`);
  }
  const { joinTokenFile, ...kept } = values;
  return {
    ...kept,
    joinToken: values.joinToken || readToken(joinTokenFile),
    grubDirectory: values.grubDirectory || undefined,
    logFile: values.logFile || undefined,
  };
}

/** Every option with its flag, environment variable, default and meaning; ends with a newline. */
export function describeOptions(): string {
  const options = Object.entries(schema).map(([key, { doc, env, arg, default: value }]) => {
    const shown = value === "" || value === false ? "" : ` (default ${JSON.stringify(value)})`;
    return `  --${arg}\n      ${doc}${shown}\n      file: ${key}, environment: ${env}\n`;
  });
  return [
    "lab-agent: acts on machines of a lab as its controller asks; dials out, listens on nothing\n",
    "usage: lab-agent --config FILE   or   lab-agent --name NAME --controller HOST:PORT [OPTION…]\n",
    "  --config\n      JSON file of options; environment variables and flags win over it\n",
    ...options,
  ].join("\n");
}

function takeConfigFile(args: readonly string[]): { file: string | undefined; rest: readonly string[] } {
  const at = args.findIndex((each) => each === "--config" || each.startsWith("--config="));
  const found = args[at];
  if (found === undefined) return { file: undefined, rest: args };
  const joined = found.includes("=");
  const file = joined ? found.slice("--config=".length) : args[at + 1];
  if (file === undefined || file === "") throw new InvalidArgumentError("configuration: --config needs a file");
  return { file, rest: [...args.slice(0, at), ...args.slice(at + (joined ? 1 : 2))] };
}

function refuseUnknownFlags(args: readonly string[]): void {
  const known = new Set<string>(Object.values(schema).map(({ arg }) => `--${arg}`));
  const unknown = args.filter((each) => each.startsWith("-") && !known.has(each.split("=", 1)[0] ?? ""));
  if (unknown.length > 0) throw new InvalidArgumentError(`configuration: unknown option ${unknown.join(", ")}; see --help`);
}

/** A file that is gone was used up: whether a token is still needed shows later. */
function readToken(file: string): string | undefined {
  return file !== "" && existsSync(file) ? readFileSync(file, "utf8").trim() : undefined;
}
