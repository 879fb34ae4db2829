/** What the controller is told: by file, environment (LABD_*) and flags, the later winning. `describeOptions` prints all of it. */
import convict from "convict";
import { readFileSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { join } from "node:path";
import { describeError, InvalidArgumentError } from "../proto/base/errors.js";
import type { LogLevel } from "../proto/base/logger.js";
import { logLevels } from "../proto/base/logger.js";

const schema = {
  inventory: { doc: "The lab: a YAML file", format: String, default: "", env: "LABD_INVENTORY", arg: "inventory" },
  listen: {
    doc: "HOST:PORT of the one port everybody comes to; port 0 takes a free one",
    format: String,
    default: "0.0.0.0:7443",
    env: "LABD_LISTEN",
    arg: "listen",
  },
  state: {
    doc: "Directory of everything the controller keeps; `lab` on this host finds it in ~/.lab/controller",
    format: String,
    default: join(homedir(), ".lab", "controller"),
    env: "LABD_STATE",
    arg: "state",
  },
  names: {
    doc: "Host names and addresses browsers reach this controller by, beside localhost; commas between them",
    format: Array,
    default: [],
    env: "LABD_NAMES",
    arg: "names",
  },
  operator: {
    doc: "Name of the operator whose certificate is put into the state directory",
    format: String,
    default: localUser(),
    env: "LABD_OPERATOR",
    arg: "operator",
  },
  agentWaitMs: {
    doc: "How long a call waits for an agent that is not connected, in milliseconds",
    format: "nat",
    default: 10_000,
    env: "LABD_AGENT_WAIT_MS",
    arg: "agent-wait-ms",
  },
  agentReturnMs: {
    doc: "How long after its start the controller takes no agent for away: a little more than agents pause between two dials",
    format: "nat",
    default: 20_000,
    env: "LABD_AGENT_RETURN_MS",
    arg: "agent-return-ms",
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
    doc: "End when standard input is closed: for controllers somebody starts and must not outlive",
    format: Boolean,
    default: false,
    env: "LABD_EXIT_WITH_STDIN",
    arg: "exit-with-stdin",
  },
} as const;

export interface ControllerConfig {
  /** Path of the inventory. */
  readonly inventory: string;
  /** HOST:PORT, IPv6 in brackets. */
  readonly listen: string;
  readonly state: string;
  readonly names: readonly string[];
  readonly operator: string;
  readonly agentWaitMs: number;
  readonly agentReturnMs: number;
  readonly logLevel: LogLevel;
  /** "" = standard error. */
  readonly logFile: string;
  readonly exitWithStdin: boolean;
}

/** Reads the configuration. Throws InvalidArgumentError with all that is wrong with it. */
export function readConfig(args: readonly string[], env: NodeJS.ProcessEnv): ControllerConfig {
  const { file, rest } = takeConfigFile(args);
  refuseUnknownFlags(rest);
  const config = convict(schema as unknown as convict.Schema<ControllerConfig>, { args: [...rest], env });
  try {
    if (file !== undefined) config.load(JSON.parse(readFileSync(file, "utf8")) as object);
    config.validate({ allowed: "strict" });
  } catch (cause) {
    throw new InvalidArgumentError(`configuration${file === undefined ? "" : ` ${file}`}: ${describeError(cause)}`);
  }
  const values = config.getProperties();
  if (values.inventory === "")
    throw new InvalidArgumentError("configuration: inventory is not set; give --inventory LAB.yaml or see --help");
  return values;
}

/** Every option with its flag, environment variable, default and meaning; ends with a newline. */
export function describeOptions(): string {
  const options = Object.entries(schema).map(([key, { doc, env, arg, default: value }]) => {
    const shown = value === "" || value === false || (Array.isArray(value) && value.length === 0) ? "" : ` (default ${String(value)})`;
    return `  --${arg}\n      ${doc}${shown}\n      file: ${key}, environment: ${env}\n`;
  });
  return [
    "lab-controller: runs a lab from one place; decides, records, and asks agents to act\n",
    "usage: lab-controller --inventory LAB.yaml [OPTION…]   or   lab-controller --config FILE\n",
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

/** The certificate's name is what others see in leases: the person's, where there is one. */
function localUser(): string {
  try {
    return userInfo().username;
  } catch {
    return "operator"; // No entry for this user id, as in some containers.
  }
}
