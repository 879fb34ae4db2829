#!/usr/bin/env node
/** lab-controller: reads its configuration, starts, and serves until it is asked to end. */
import { join } from "node:path";
import { loadLab } from "../inventory/load.js";
import { systemClock } from "../proto/base/clock.js";
import { describeError, LabError } from "../proto/base/errors.js";
import { Lifecycle } from "../proto/base/lifecycle.js";
import { createLogger } from "../proto/base/logger.js";
import { exitCodeOf } from "../proto/base/exit-code.js";
import type { ControllerConfig } from "./config.js";
import { describeOptions, readConfig } from "./config.js";
import { startController } from "./controller.js";
import { openDeployments } from "./deployments.js";
import { SqliteLeases } from "./leases/sqlite-leases.js";
import { openDatabase } from "./records/database.js";
import { SqliteJournal } from "./records/sqlite-journal.js";
import { lockState } from "./state-lock.js";

void main(process.argv.slice(2)).then(
  () => process.exit(0),
  (error: unknown) => {
    const text = error instanceof LabError ? describeError(error) : error instanceof Error ? error.stack : String(error);
    process.stderr.write(`lab-controller: ${text}\n`);
    process.exit(exitCodeOf(error));
  },
);

async function main(args: readonly string[]): Promise<void> {
  if (args.includes("--help") || args.includes("-h")) return void process.stdout.write(describeOptions());
  const config = readConfig(args, process.env);
  const stopping = stopSignal(config);
  const clock = systemClock;
  const logger = createLogger({ name: "lab-controller", level: config.logLevel, file: config.logFile === "" ? undefined : config.logFile });
  const lab = loadLab(config.inventory);
  const lifecycle = new Lifecycle();
  try {
    lifecycle.onClose(lockState(config.state));
    const database = openDatabase(join(config.state, "labd.db"));
    lifecycle.onClose(() => database.close());
    const controller = await startController({
      config,
      lab,
      clock,
      logger,
      leases: new SqliteLeases(database, clock),
      deployments: (context) => openDeployments(new SqliteJournal(database), context, config),
    });
    lifecycle.onClose(() => controller.close());
    process.stdout.write(`lab-controller listens on ${controller.address}; lab ${lab.name}, state in ${config.state}; try: lab nodes\n`);
    await aborted(stopping);
    logger.info("asked to end");
  } finally {
    await lifecycle.close();
  }
}

function stopSignal({ exitWithStdin }: ControllerConfig): AbortSignal {
  const stopping = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stopping.abort());
  if (exitWithStdin) process.stdin.on("end", () => stopping.abort()).resume();
  return stopping.signal;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
