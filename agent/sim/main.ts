/**
 * `main.js --inventory FILE --state DIRECTORY [--speed-up N] [--agent FILE] [--exit-with-stdin]`: simulates every node of an inventory
 * until SIGTERM or SIGINT, or until whoever holds its standard input is gone. Prints one JSON line when every BMC can be reached.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { loadLab } from "../../inventory/load.js";
import { systemClock } from "../../proto/base/clock.js";
import { describeError, InvalidArgumentError, LabError } from "../../proto/base/errors.js";
import { createLogger, type LogLevel, logLevels } from "../../proto/base/logger.js";
import { type Simulator, startSimulator } from "./simulator.js";

const exitCodes: Readonly<Record<string, number>> = { "invalid-argument": 2, "invalid-inventory": 3, unreachable: 5 };

interface Arguments {
  readonly inventory: string;
  readonly state: string;
  readonly speedUp: number;
  readonly agent: string | undefined;
  readonly logLevel: LogLevel;
  readonly exitWithStdin: boolean;
}

function readArguments(argv: readonly string[]): Arguments {
  const values = parseOptions(argv);
  const { inventory, state } = values;
  if (inventory === undefined || state === undefined) {
    throw new InvalidArgumentError("simulator: --inventory FILE and --state DIRECTORY are needed");
  }
  const speedUp = Number(values["speed-up"]);
  if (!(speedUp > 0 && speedUp <= 10_000)) throw new InvalidArgumentError("simulator: --speed-up is a number above 0, at most 10000");
  const logLevel = logLevels.find((level) => level === values["log-level"]);
  if (logLevel === undefined) throw new InvalidArgumentError(`simulator: --log-level is one of ${logLevels.join(" ")}`);
  return { inventory, state, speedUp, agent: values.agent ?? builtAgent(), logLevel, exitWithStdin: values["exit-with-stdin"] };
}

function parseOptions(argv: readonly string[]) {
  const options = {
    inventory: { type: "string" },
    state: { type: "string" },
    "speed-up": { type: "string", default: "1" },
    agent: { type: "string" },
    "log-level": { type: "string", default: "info" },
    "exit-with-stdin": { type: "boolean", default: false },
  } as const;
  try {
    return parseArgs({ args: [...argv], options }).values;
  } catch (cause) {
    throw new InvalidArgumentError("simulator: cannot read its arguments", { cause });
  }
}

/** The bundle `npm run build` makes, when it is there. */
function builtAgent(): string | undefined {
  const bundle = fileURLToPath(new URL("../../lab-agent.cjs", import.meta.url));
  return existsSync(bundle) ? bundle : undefined;
}

async function main(): Promise<void> {
  const { inventory, state, speedUp, agent, logLevel, exitWithStdin } = readArguments(process.argv.slice(2));
  const lab = loadLab(inventory);
  const log = createLogger({ name: "lab-sim", level: logLevel });
  const simulator = await startSimulator({ lab, stateDirectory: state, speedUp, agentProgram: agent, clock: systemClock, log });
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void end(simulator));
  if (exitWithStdin) process.stdin.on("end", () => void end(simulator)).resume();
  const nodes = simulator.nodes.map(({ name, bmc, redfish, rootDirectory, serialLog }) => ({
    name,
    bmc: bmc === undefined ? undefined : { address: bmc.address, port: bmc.port },
    redfish: redfish && { url: redfish.url, fingerprint: redfish.fingerprint },
    root: rootDirectory,
    serialLog,
  }));
  process.stdout.write(`${JSON.stringify({ event: "ready", lab: lab.name, nodes })}\n`);
}

async function end(simulator: Simulator): Promise<void> {
  await simulator.close();
  process.exit(0);
}

main().catch((error: unknown) => {
  process.stderr.write(`${describeError(error)}\n`);
  process.exit(error instanceof LabError ? (exitCodes[error.code] ?? 1) : 1);
});
