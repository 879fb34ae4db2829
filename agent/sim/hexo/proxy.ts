/**
 * `proxy PROGRAM`, HermitCore's loader with uhyve: runs a unikernel, writes it to files when it is asked to migrate, and goes on with
 * one from files (facts: HEXO §3). Runs in a test's process, as a process of a simulated machine, and as one bundled file on a real one.
 */
import { existsSync, statSync } from "node:fs";
import { basename } from "node:path";
import { machineMs } from "../tools/surroundings.js";
import type { Tool, ToolCall } from "../tools/tool.js";
import { has } from "./faults.js";
import { loadGuest } from "./load-guest.js";
import { listProcess } from "./process-table.js";
import { type Architecture, architectures, parseProgram, type Program } from "./program-file.js";
import { type ProxyEnvironment, readEnvironment } from "./proxy-environment.js";
import { recordMemory, setStatus, takeLock } from "./proxy-records.js";
import { ProxyRun } from "./proxy-run.js";

/** From the start of the process to the signal handler: a request that comes before kills it. */
const startMs = 300;
const kvm = "/dev/kvm";

/** The hypervisor built for one architecture; on another it is not executable. */
export function proxyFor(built: Architecture): Tool {
  return async (call) => {
    const here = await architectureOf(call);
    if (here === built) return proxy(call, here);
    call.err("proxy: cannot execute binary file: Exec format error\n");
    return 126;
  };
}

async function proxy(call: ToolCall, here: Architecture): Promise<number> {
  const unlist = listProcess(call.machine, "proxy", call.argv, call.pid);
  try {
    const unlock = await takeLock(call);
    const exitCode = await start(call, here);
    // Only a proxy that ends by itself gets here: a killed one leaves its lock.
    unlock();
    return exitCode;
  } finally {
    unlist();
  }
}

async function start(call: ToolCall, here: Architecture): Promise<number> {
  const environment = readEnvironment(call.env);
  const path = call.argv.find((word) => !word.startsWith("-")) ?? "";
  const program = parseProgram(call.machine.read(path));
  const refusal = refuse(call, environment, here, path, program);
  if (program === undefined || refusal !== undefined) {
    call.err(`proxy: ${refusal ?? ""}\n`);
    return 1;
  }
  await call.work(machineMs(call, startMs));
  while (has(call, "never-ready")) await call.work(machineMs(call, startMs));
  const run = new ProxyRun(call, environment, program, loadGuest(program));
  recordMemory(call, environment.memoryBytes);
  const exitCode = await run.toEnd();
  setStatus(call, "STATUS_NOT_RUNNING");
  return exitCode;
}

/** Why it cannot start at all, in the words after "proxy: ". */
function refuse(
  call: ToolCall,
  environment: ProxyEnvironment,
  here: Architecture,
  path: string,
  program: Program | undefined,
): string | undefined {
  if (path === "") return "no program given";
  if (environment.isle !== "uhyve") return "Could not open: /sys/hermit/isle0/path: No such file or directory";
  if (!canReadAndWrite(call.env["LABD_SIM_KVM"] ?? call.machine.host(kvm))) return `Could not open: ${kvm}`;
  if (!call.machine.exists(path)) return `Could not open: ${path}: No such file or directory`;
  if (program === undefined || program.architecture !== here)
    return `${basename(path)}: Invalid ELF file, not a HermitCore ${here} program`;
  const availableKb = Number(/^MemAvailable:\s+(\d+)/m.exec(call.machine.read("/proc/meminfo") ?? "")?.[1] ?? Number.POSITIVE_INFINITY);
  if (environment.memoryBytes > availableKb * 1024) return "Could not allocate guest memory: Cannot allocate memory";
  return undefined;
}

/** By its mode: who runs a test may do anything. */
function canReadAndWrite(path: string): boolean {
  return existsSync(path) && (statSync(path).mode & 0o600) === 0o600;
}

export async function architectureOf(call: Pick<ToolCall, "machine">): Promise<Architecture> {
  const said = ((await call.machine.ask("uname", ["-m"])).stdout ?? "").trim();
  return architectures.find((each) => each === said) ?? "x86_64";
}
