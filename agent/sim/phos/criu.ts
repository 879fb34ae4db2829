/** A checkpoint on disk: CRIU's images with what is in the program's memory, the daemon's files with what is on the GPU. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ContainerProcess } from "./process.js";
import type { SampleState } from "./sample.js";

interface CpuImage {
  readonly pid: number;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly redirected: Readonly<Record<string, string>>;
  readonly iteration: number;
}

export function writeImage(process: ContainerProcess, directory: string, { withGpu }: { readonly withGpu: boolean }): void {
  const { iteration, weights } = (process.snapshot?.() ?? { iteration: 0, weights: [] }) as SampleState;
  const { pid, argv, cwd, env, redirected } = process;
  const put = (name: string, contents: unknown) => writeFileSync(join(directory, name), `${JSON.stringify(contents)}\n`);
  put("inventory.img", { img_version: 2, root: pid });
  put("pstree.img", [{ pid, ppid: 0 }]);
  put(`core-${pid}.img`, { mtype: "X86_64" });
  put("pages-1.img", { pid, argv, cwd, env, redirected: { ...redirected }, iteration } satisfies CpuImage);
  put("stats-dump", { frozen_time: 1 });
  if (!withGpu) return;
  put("c-0.bin", { contexts: 1 });
  put("h-cuda_memory-0.bin", weights);
}

export function readImage(directory: string): { readonly cpu: CpuImage | undefined; readonly gpu: readonly number[] | undefined } {
  const read = (name: string): unknown => {
    const file = join(directory, name);
    return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
  };
  const isWhole = existsSync(join(directory, "inventory.img"));
  return {
    cpu: isWhole ? (read("pages-1.img") as CpuImage | undefined) : undefined,
    gpu: read("h-cuda_memory-0.bin") as number[] | undefined,
  };
}
