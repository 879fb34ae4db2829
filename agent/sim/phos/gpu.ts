/** nvidia-smi on the machine and in its containers. */
import { faultsOf } from "../tools/surroundings.js";
import type { Tool, ToolCall } from "../tools/tool.js";
import type { Engine } from "./engine.js";
import type { Program } from "./process.js";

export interface GpuProcess {
  /** As the machine counts it. */
  readonly pid: number;
  readonly name: string;
  readonly miB: number;
}

/** Pids of containers are others on the machine. */
const hostPidBase = 40_000;

export function gpuProcesses(engine: Engine): GpuProcess[] {
  const daemon = engine.living().find(({ name }) => name === "xpu-server");
  const using = engine.living().filter(({ gpuMiB }) => gpuMiB > 0);
  // What programs under PhOS put on the GPU is the daemon's.
  const own = using.filter((process) => process !== daemon && !(process.env["LD_PRELOAD"] ?? "").includes("libxpuclient"));
  const shared = using.filter((process) => process !== daemon && !own.includes(process)).reduce((sum, { gpuMiB }) => sum + gpuMiB, 0);
  return [
    ...(daemon === undefined || daemon.gpuMiB === 0
      ? []
      : [{ pid: hostPidBase + daemon.pid, name: "/usr/local/bin/xpu-server", miB: daemon.gpuMiB + shared }]),
    ...own.map(({ pid, name, gpuMiB }) => ({ pid: hostPidBase + pid, name, miB: gpuMiB })),
  ];
}

/** The kernel answers which processes use the GPU. */
export const nvidiaSmi: Tool = async (call) => {
  const reply = await call.machine.ask("gpu", []);
  return answer(call, JSON.parse(reply.stdout ?? "[]") as GpuProcess[]);
};

export const nvidiaSmiInside: Program = (call, process) => answer(call, gpuProcesses(process.engine));

function answer(call: ToolCall, processes: readonly GpuProcess[]): number {
  const faults = faultsOf(call);
  const name = faults.has("hopper") ? "NVIDIA H100 80GB HBM3" : faults.has("pascal") ? "Tesla P100-PCIE-16GB" : "NVIDIA A100-SXM4-80GB";
  const driver = faults.has("old-driver") ? "460.32.03" : faults.has("older-driver-query") ? "470.57.02" : "525.105.17";
  const all = faults.has("busy-gpu") ? [...processes, { pid: 31337, name: "/usr/bin/python3", miB: 4000 }] : processes;
  const used = all.reduce((sum, { miB }) => sum + miB, faults.has("gpu-memory-held") ? 80_000 : 4);
  const query = call.argv.find((word) => word.startsWith("--query-"));
  if (call.argv.includes("-L")) return say(call, `GPU 0: ${name} (UUID: GPU-5f1c7a32-0d0a-4d53-9d1e-6a8d3f0b8c11)`);
  if (query?.startsWith("--query-compute-apps") === true) {
    for (const each of all) say(call, `${each.pid}, ${each.name}`);
    return 0;
  }
  if (query === "--query-gpu=compute_cap") {
    if (Number.parseInt(driver, 10) < 510) return say(call, 'Field "compute_cap" is not a valid field to query.') + 2;
    return say(call, faults.has("hopper") ? "9.0" : faults.has("pascal") ? "6.0" : "8.0");
  }
  return say(call, `0, ${name}, ${driver}, 81920, ${used}`);
}

function say(call: ToolCall, text: string): number {
  call.out(`${text}\n`);
  return 0;
}
