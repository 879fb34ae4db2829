/** xpu-server: takes the GPUs, listens on UDP 5213, writes a log (facts: PhOS §3). */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { faultsOf } from "../tools/surroundings.js";
import { installed } from "./build-script.js";
import type { Engine } from "./engine.js";
import type { ContainerProcess, Program } from "./process.js";

export const daemonPort = 5213;
const ownMiB = 500;
const startMs = 5_000;

/** The daemon that serves a machine's GPUs: who has the port; undefined: nobody. */
export function daemonOf(engine: Engine): ContainerProcess | undefined {
  return engine.living().find(({ boundPort }) => boundPort === daemonPort);
}

export const xpuServer: Program = async (call, process) => {
  const faults = faultsOf(call);
  const config = JSON.parse(call.machine.read(installed.library) ?? "{}") as Record<string, string>;
  const log = config["runtime_default_daemon_log_path"] ?? "/var/log/phos/daemon";
  const write = (line: string) => {
    if (faults.has("daemon-logs-nothing")) return;
    mkdirSync(call.machine.host(log), { recursive: true });
    process.engine.append(call.machine.host(join(log, "daemon.log")), `${line}\n`);
  };
  write("[POS Log] PhOS daemon starts");
  await process.work(startMs);
  if (faults.has("daemon-dies")) {
    call.err("[POS_ERROR] failed to initialize CUDA context\n");
    return 1;
  }
  if (faults.has("daemon-deaf")) return process.forever();
  if (daemonOf(process.engine) !== undefined) {
    call.err("[POS_ERROR] failed to obtain socket address for the main session: Address already in use\n");
    return 1;
  }
  process.boundPort = daemonPort;
  process.gpuMiB = ownMiB;
  write("[POS Log] listens on 0.0.0.0:5213");
  return process.forever();
};
