/** The agent as a daemon: joins the lab, dials the controller and serves it, until it is asked to end. */
import { join } from "node:path";
import { systemClock } from "../proto/base/clock.js";
import { createLogger } from "../proto/base/logger.js";
import { serveController } from "../proto/rpc/dial.js";
import { openAgent } from "./agent.js";
import type { AgentConfig } from "./config.js";
import { Membership } from "./membership.js";
import { stdinClosed, stdinFlag, superviseFlag } from "./roles.js";

const firstPauseMs = 250;

/** Runs until SIGTERM, SIGINT, or the end of standard input when the configuration ties it to that. Jobs live on. */
export async function runDaemon(config: AgentConfig): Promise<void> {
  const { name, controller, state, joinToken } = config;
  process.stdout.write(`lab-agent ${name}: state in ${state}, dials controller ${controller}\n`);
  const clock = systemClock;
  const log = createLogger({ name: "lab-agent", level: config.logLevel, file: config.logFile });
  const signal = stopSignal(config);
  const agent = await openAgent(config, { clock, log, supervisor: supervisorCommand(config) });
  try {
    const membership = await Membership.open({ directory: join(state, "identity"), name, controller, joinToken, clock, log, signal });
    const renewing = membership.keepRenewed();
    await serveController({
      address: controller,
      identity: () => membership.identity,
      services: (server) => agent.addTo(server),
      clock,
      logger: log,
      signal,
      backoff: { initialMs: firstPauseMs, capMs: config.reconnectMs, stableMs: 30_000 },
      onConnected: () => log.info({ controller }, "connected to the controller"),
    });
    await renewing;
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await agent.close();
  }
  log.info("asked to end; jobs run on");
}

function stopSignal(config: AgentConfig): AbortSignal {
  const stopping = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stopping.abort());
  if (config.exitWithStdin) void stdinClosed().then(() => stopping.abort());
  return stopping.signal;
}

/** This very program; jobs are tied to standard input when the agent is. */
function supervisorCommand(config: AgentConfig): readonly string[] {
  const program = [process.execPath, ...process.execArgv, process.argv[1] ?? ""];
  return [...program, ...(config.exitWithStdin ? [stdinFlag] : []), superviseFlag];
}
