/** pos_cli: its options, its waits without limit, and an exit code of 0 for what failed (facts: PhOS §3). */
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { faultsOf } from "../tools/surroundings.js";
import type { ToolCall } from "../tools/tool.js";
import { installed } from "./build-script.js";
import { readImage, writeImage } from "./criu.js";
import { daemonOf } from "./daemon.js";
import type { ContainerProcess, Program } from "./process.js";

const clientPort = 10086;
const actions = ["--help", "--start", "--pre-dump", "--dump", "--restore", "--trace-resource"];

export const posCli: Program = async (call, process) => {
  if (!call.machine.exists(installed.client)) {
    call.err("pos_cli: command not found\n");
    return 127;
  }
  const action = call.argv.find((word) => actions.includes(word));
  if (action === undefined) {
    call.err("[POS_ERROR] unspecified action, use '-h' to check usage\n");
    return 1;
  }
  if (action === "--help") return say(call, "PhOS command line interface");
  if (action === "--start") return start(call, process);
  if (process.engine.living().some(({ boundPort }) => boundPort === clientPort)) {
    call.err("[POS_ERROR] failed to bind oob client to local port 10086: Address already in use\n");
    return 1;
  }
  process.boundPort = clientPort;
  if (action === "--restore") return restore(call, process);
  return action === "--trace-resource" ? say(call, "traced") : dump(call, process, action);
};

/** The daemon runs in the foreground; it goes on when only this process is killed. */
async function start(call: ToolCall, process: ContainerProcess): Promise<number> {
  if (optionOf(call, "--target") !== "daemon") return usage(call, "--target");
  const exitCode = await process.child(["xpu-server"]);
  if (exitCode !== 0) say(call, "[POS_WARN] failed to execute xpu-server");
  return exitCode;
}

async function dump(call: ToolCall, process: ContainerProcess, action: string): Promise<number> {
  const [directory, pid] = [optionOf(call, "--dir"), optionOf(call, "--pid")];
  if (directory === undefined || pid === undefined) return usage(call, directory === undefined ? "--dir" : "--pid");
  const faults = faultsOf(call);
  const { container } = process;
  const path = call.machine.absolute(directory);
  // Before anything else, and whatever comes of it: what was there is deleted, and a tmpfs is mounted over it.
  mkdirSync(container.host(path), { recursive: true });
  for (const name of readdirSync(container.host(path))) rmSync(join(container.host(path), name), { recursive: true, force: true });
  container.mountTmpfs(path);
  await answered(process);
  const program = process.engine.living(container).find((each) => String(each.pid) === pid);
  const isClient = program?.snapshot !== undefined && (program.env["LD_PRELOAD"] ?? "").includes("libxpuclient.so");
  await process.work(2_000);
  if (!isClient || faults.has("dump-fails")) return say(call, "[POS_WARN] dump failed, gpu-side dump failed");
  writeImage(program, container.host(path), { withGpu: !faults.has("dump-without-gpu") });
  if (action === "--dump" && !faults.has("dump-leaves-program")) program.finish(137);
  return faults.has("dump-says-nothing") ? 0 : say(call, `[POS Log] ${action === "--dump" ? "dump" : "pre-dump"} done`);
}

async function restore(call: ToolCall, process: ContainerProcess): Promise<number> {
  const directory = optionOf(call, "--dir");
  if (directory === undefined) return usage(call, "--dir");
  const faults = faultsOf(call);
  await answered(process);
  const image = readImage(call.machine.host(directory));
  await process.work(3_000);
  if (image.gpu === undefined || faults.has("restore-gpu-fails"))
    return say(call, "[POS_WARN] gpu restore failed, failed to restore handles");
  if (image.cpu === undefined) return criuError(call, "criu/image.c:466): Can't open dir: No such file or directory");
  const { pid } = image.cpu;
  if (process.engine.living(process.container).some((each) => each.pid === pid))
    return criuError(call, `criu/cr-restore.c:1240): Can't fork for ${pid}: File exists`);
  if (faults.has("restore-criu-fails")) return criuError(call, `criu/files-reg.c:2143): File root/labd.log has bad size`);
  const { argv, cwd, env, redirected, iteration } = image.cpu;
  const restored = process.engine.spawn(process.container, { argv, cwd, env, pid, restored: { iteration, weights: image.gpu } });
  Object.assign(restored.redirected, redirected);
  say(call, "Displaying restore stats:\nPages restored: 18211 (0x4723)\nRestore time: 310243 us\nForking time: 1210 us");
  if (faults.has("restore-in-foreground")) await process.until(restored.ended);
  return faults.has("restore-says-nothing") ? 0 : say(call, "[POS Log] restore done");
}

/** CRIU says why; pos_cli ends with 0 all the same. */
function criuError(call: ToolCall, text: string): number {
  call.err(`Error (${text}\nError (criu/cr-restore.c:2557): Restoring FAILED.\n`);
  return say(call, "[POS_WARN] failed execution of command criu restore: exit_code(1)");
}

/** Nobody there, or one that hangs: it waits, without limit. */
async function answered(process: ContainerProcess): Promise<void> {
  const isThere = daemonOf(process.engine) !== undefined;
  if (!isThere || faultsOf(process).has("daemon-hangs")) await process.forever();
}

function optionOf({ argv }: ToolCall, name: string): string | undefined {
  return argv.includes(name) ? argv[argv.indexOf(name) + 1] : undefined;
}

function usage(call: ToolCall, option: string): number {
  call.err(`[POS_ERROR] ${option} is required\n`);
  return 1;
}

function say(call: ToolCall, text: string): number {
  call.out(`${text}\n`);
  return 0;
}
