/**
 * The lab-agent service of a simulated Linux: the real program as a real process. Restarted when it ends by itself, as systemd would;
 * killed with everything it started when the machine stops.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, openSync, closeSync } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import { Backoff } from "../../../proto/base/backoff.js";
import type { Clock, Timer } from "../../../proto/base/clock.js";
import type { Logger } from "../../../proto/base/logger.js";
import { killMarkedProcesses } from "./marked-processes.js";
import { type MachineProcesses, processEnvironment } from "./process-environment.js";

/** The agent's configuration below the root directory of a machine: without it the service is not installed there. */
export const agentConfigPath = "etc/labd/agent.json";

const installationPollMs = 1_000;

export interface NodeAgentOptions extends MachineProcesses {
  /** Path of the agent's bundle on the host. */
  readonly program: string;
  /** Where its output goes, on the host. */
  readonly logFile: string;
  readonly clock: Clock;
  readonly log: Logger;
}

export class NodeAgent {
  readonly #options: NodeAgentOptions;
  readonly #backoff = new Backoff({ initialMs: 500, capMs: 10_000, stableMs: 30_000 });
  #child: ChildProcess | undefined;
  #restart: Timer | undefined;
  #stopping = false;

  constructor(options: NodeAgentOptions) {
    this.#options = options;
  }

  /** Starts it as soon as program and configuration are there: it may be installed on a machine that runs. */
  start(): void {
    const { program, rootDirectory, log, clock } = this.#options;
    const config = join(rootDirectory, agentConfigPath);
    if (!existsSync(program) || !existsSync(config)) {
      this.#restart = clock.after(installationPollMs, () => this.start());
      return;
    }
    const began = clock.monotonicMs();
    const child = this.#spawn(program, config);
    this.#child = child;
    child.on("error", (err) => log.error({ err }, "lab-agent does not start"));
    child.on("exit", (exitCode, signal) => {
      if (this.#stopping) return;
      log.warn({ exitCode, signal }, "lab-agent ended; it is started again");
      this.#restart = clock.after(this.#backoff.nextDelayMs(clock.monotonicMs() - began), () => this.start());
    });
  }

  /** The system shuts down: asks it to end, and does not start it again. */
  terminate(): void {
    this.#stopping = true;
    this.#restart?.cancel();
    this.#child?.kill("SIGTERM");
  }

  /** The power is gone: kills the agent and all that descends from it. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#restart?.cancel();
    const child = this.#child;
    this.#child = undefined;
    if (child?.pid === undefined) return;
    const exited = child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined;
    child.kill("SIGKILL");
    await exited;
    await killMarkedProcesses(this.#options.mark, this.#options.clock);
  }

  #spawn(program: string, config: string): ChildProcess {
    const { rootDirectory, logFile } = this.#options;
    const output = openSync(logFile, "a");
    try {
      return spawn(process.execPath, [program, "--config", config], {
        cwd: rootDirectory,
        env: processEnvironment(this.#options),
        // A pipe that stays open as long as we live: an agent told to end with its standard input does not end at once.
        stdio: ["pipe", output, output],
        detached: true,
      });
    } finally {
      closeSync(output);
    }
  }
}
