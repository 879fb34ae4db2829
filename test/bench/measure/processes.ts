/** What running processes cost, by /proc (Linux, proc(5)). */
import { readdir, readFile } from "node:fs/promises";

/** proc(5) has no way to ask for it; it is 4096 on every machine this runs on but some arm64 kernels. */
const pageBytes = 4096;

/** A process and all below it. Empty when it is gone. */
export async function treeOf(pid: number): Promise<readonly number[]> {
  const children = await readText(`/proc/${pid}/task/${pid}/children`);
  if (children === undefined) return [];
  const below = await Promise.all(children.trim().split(" ").filter(Boolean).map(Number).map(treeOf));
  return [pid, ...below.flat()];
}

/** Resident memory of a process in bytes; 0 when it is gone. */
export async function residentBytes(pid: number): Promise<number> {
  const statm = await readText(`/proc/${pid}/statm`);
  return Number(statm?.split(" ")[1] ?? 0) * pageBytes;
}

/** CPU time of all threads a process has now, in ms, to the nanosecond; those of threads that have ended are not in it. */
export async function threadsCpuMs(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`);
  const used = await Promise.all(threads.map((thread) => readText(`/proc/${pid}/task/${thread}/schedstat`)));
  return used.reduce((sum, text) => sum + Number(text?.split(" ")[0] ?? 0) / 1e6, 0);
}

export async function treeCpuMs(pid: number): Promise<number> {
  const each = await Promise.all((await treeOf(pid)).map(threadsCpuMs));
  return each.reduce((sum, ms) => sum + ms, 0);
}

/** Samples the resident memory of a process tree. */
export class PeakMemory {
  readonly #pid: number;
  readonly #withRoot: boolean;
  readonly #timer: NodeJS.Timeout;
  #bytes = 0;
  #looking: Promise<void> = Promise.resolve();

  /** `withRoot` false: the process itself is a wrapper and does not count. */
  constructor(pid: number, { withRoot = true }: { withRoot?: boolean } = {}) {
    this.#pid = pid;
    this.#withRoot = withRoot;
    this.#looking = this.#look();
    this.#timer = setInterval(() => {
      this.#looking = this.#looking.then(() => this.#look());
    }, 30);
  }

  /** Ends sampling; gives the most there was at one time. */
  async end(): Promise<number> {
    clearInterval(this.#timer);
    await this.#looking;
    return this.#bytes;
  }

  async #look(): Promise<void> {
    const tree = await treeOf(this.#pid);
    const each = await Promise.all((this.#withRoot ? tree : tree.slice(1)).map(residentBytes));
    this.#bytes = Math.max(
      this.#bytes,
      each.reduce((sum, bytes) => sum + bytes, 0),
    );
  }
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "latin1");
  } catch {
    // Processes end while we look.
    return undefined;
  }
}
