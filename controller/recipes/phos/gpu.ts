/** What nvidia-smi says, judged (facts: PhOS, needs; §4 preconditions). */
import type { CommandOutcome, Json, Verdict } from "../../deploy/recipe.js";
import { linesOf } from "./design.js";

/** CUDA 11.3 needs it. */
const oldestDriver = 465;

export const gpuQuery: readonly string[] = [
  "nvidia-smi",
  "--query-gpu=index,name,driver_version,memory.total,memory.used",
  "--format=csv,noheader,nounits",
];
export const capabilityQuery: readonly string[] = ["nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader"];
export const processQuery: readonly string[] = ["nvidia-smi", "--query-compute-apps=pid,process_name", "--format=csv,noheader"];

/** A line of gpuQuery: "0, NVIDIA A100-SXM4-80GB, 525.105.17, 81920, 4". */
const gpuLine = /^(\d+), (.+), (\d+)(?:\.[\d.]+)?, (\d+), (\d+)$/;

/** gpuQuery: GPUs, their driver. Puts out gpuNames, gpuCount, driver. */
export function judgeGpus({ exitCode, stdout, stderr }: CommandOutcome): Verdict {
  const lines = linesOf(stdout);
  const gpus = lines.map((line) => gpuLine.exec(line.trim()));
  if (exitCode !== 0 || gpus.length === 0 || gpus.includes(null))
    return failed("nvidia-smi does not list the GPUs: is the NVIDIA driver loaded?", [...linesOf(stderr), ...lines].slice(0, 5));
  const driver = Number(gpus[0]?.[3]);
  if (driver < oldestDriver) return failed(`the NVIDIA driver is ${driver}; CUDA 11.3 needs ${oldestDriver} or newer`, lines);
  const gpuNames: Json = gpus.map((gpu) => gpu?.[2] ?? "");
  return { ok: true, lines, outputs: { gpuNames, gpuCount: gpus.length, driver } };
}

/** Drivers before 510 do not know compute_cap: then the name says it. */
const capabilities: readonly (readonly [RegExp, string])[] = [
  [/\bV100/, "7.0"],
  [/\bT4\b|\bRTX (?:20|[4568]000)|\bTITAN RTX/, "7.5"],
  [/\bA(?:100|30)\b/, "8.0"],
  [/\bA(?:2|10|10G|16|40|[456]000)\b|\bRTX (?:30|A)/, "8.6"],
  [/\bL(?:4|40|40S)\b|\bRTX 40/, "8.9"],
  [/\bH(?:100|200|800)\b|\bGH200/, "9.0"],
  [/\bP(?:100|40|4)\b/, "6.x"],
];

/** capabilityQuery; `names`: of the GPUs, for drivers that do not answer it. Puts out `capabilities`. */
export function judgeCapability({ exitCode, stdout }: CommandOutcome, names: readonly string[]): Verdict {
  const asked = linesOf(stdout).map((line) => line.trim());
  const answered = exitCode === 0 && asked.length > 0 && asked.every((line) => /^\d+\.\d+$/.test(line));
  const found = answered ? asked : names.map((name) => capabilities.find(([pattern]) => pattern.test(name))?.[1]);
  const lines = names.map((name, index) => `${name}: compute capability ${found[index] ?? "unknown"}`);
  const wrong = found.map(unfit).find((why) => why !== undefined);
  if (wrong !== undefined) return failed(wrong, lines);
  return { ok: true, lines, outputs: { capabilities: found.map((each) => each ?? "") } };
}

function unfit(capability: string | undefined): string | undefined {
  if (capability === undefined)
    return "the compute capability of a GPU is not known: neither nvidia-smi nor its name tells it; use a driver of 510 or newer";
  const major = Number.parseInt(capability, 10);
  if (major === 7 || major === 8) return undefined;
  const why = major > 8 ? "CUDA 11.3 knows no Hopper and nothing newer" : "it is too old for PhOS";
  return `a GPU has compute capability ${capability}; PhOS needs 7.x or 8.x: ${why}`;
}

/** processQuery: nothing else may compute there, xpu-server takes all GPUs. */
export function judgeIdle({ exitCode, stdout }: CommandOutcome): Verdict {
  const lines = computeProcesses(stdout);
  if (exitCode !== 0) return failed("nvidia-smi does not list compute processes", lines);
  if (lines.length === 0) return { ok: true, lines: ["no compute process"] };
  return { ok: false, reason: `a process computes on the GPUs, which xpu-server would take from it: ${lines.join("; ")}`, lines };
}

/** processQuery while PhOS runs: of all programs only the daemon is to be seen on the GPUs. */
export function judgeDaemonOnGpu({ exitCode, stdout }: CommandOutcome): Verdict {
  const lines = computeProcesses(stdout);
  const daemon = lines.find((line) => /\bxpu-server\b/.test(line));
  if (exitCode === 0 && daemon !== undefined) return { ok: true, lines: [daemon] };
  return { ok: false, reason: "nvidia-smi does not show xpu-server on a GPU", lines };
}

function computeProcesses(stdout: string): string[] {
  return linesOf(stdout).filter((line) => /^\s*\d+\s*,/.test(line));
}

/** `nvidia-smi -L` inside a container: as many GPUs as planned. */
export function judgeVisible({ exitCode, stdout, stderr }: CommandOutcome, wanted: number): Verdict {
  const lines = linesOf(stdout).filter((line) => /^GPU \d+:/.test(line));
  if (exitCode !== 0)
    return failed(
      "no container with GPUs starts: is nvidia-container-toolkit installed and docker restarted since?",
      linesOf(stderr).slice(-3),
    );
  if (lines.length !== wanted) return failed(`${lines.length} GPUs are visible in the container, planned ${wanted}`, lines);
  return { ok: true, lines };
}

/** gpuQuery: memory in use on all GPUs, put out as `gpuUsedMiB`. */
export function judgeGpuMemory({ exitCode, stdout }: CommandOutcome): Verdict {
  const gpus = linesOf(stdout).map((line) => gpuLine.exec(line.trim()));
  if (exitCode !== 0 || gpus.length === 0 || gpus.includes(null))
    return { ok: false, reason: "nvidia-smi does not tell the memory in use" };
  const gpuUsedMiB = gpus.reduce((sum, gpu) => sum + Number(gpu?.[5]), 0);
  return { ok: true, lines: [`${gpuUsedMiB} MiB of GPU memory in use`], outputs: { gpuUsedMiB } };
}

function failed(reason: string, lines: readonly string[] = []): Verdict {
  return { ok: false, final: true, reason, lines };
}
