/**
 * What a benchmark works with: a scratch directory, the small C programs of this folder, and the processes it has started. Whatever
 * ends the benchmark (its end, an error, SIGINT, SIGTERM, even SIGKILL) ends its processes, and all but SIGKILL removes the directory.
 */
import { execFile, spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { programPath } from "./programs.js";

/** dist/test/bench → test/bench: the C sources are not copied. */
const sources = join(import.meta.dirname, "../../../test/bench");

export class Workbench {
  readonly directory: string;
  readonly #ending = new AbortController();
  readonly #compiled = new Map<string, Promise<string>>();
  readonly #running = new Set<ChildProcess>();
  #directories = 0;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** Aborted when the benchmark is told to end. */
  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  /** A new directory below the scratch directory. */
  async newDirectory(name: string): Promise<string> {
    this.#directories += 1;
    const path = join(this.directory, `${name}-${this.#directories}`);
    await mkdir(path);
    return path;
  }

  /** The path of a compiled C program: "farm/sol-source". */
  program(name: string): Promise<string> {
    const known = this.#compiled.get(name) ?? this.#compile(name);
    this.#compiled.set(name, known);
    return known;
  }

  /** Starts a process that dies with this one. It leads a group of its own, so that Ctrl-C reaches the benchmark first. */
  async start(argv: readonly string[], options: SpawnOptions = {}): Promise<ChildProcess> {
    const launcher = await this.program("farm/die-with-parent");
    this.signal.throwIfAborted();
    const child = spawn(launcher, [String(process.pid), ...argv], { ...options, detached: true });
    this.#running.add(child);
    child.once("exit", () => this.#running.delete(child));
    await once(child, "spawn");
    return child;
  }

  /** Kills a process and what it has started in its group; resolves when it is gone. */
  async stop(child: ChildProcess, how: NodeJS.Signals = "SIGKILL"): Promise<void> {
    if (!this.#running.has(child)) return;
    const gone = once(child, "exit");
    if (how === "SIGKILL") killGroup(child);
    else child.kill(how);
    const overdue = setTimeout(() => killGroup(child), 10_000);
    await gone;
    clearTimeout(overdue);
    // What it started may have stayed.
    killGroup(child);
  }

  end(reason: Error): void {
    this.#ending.abort(reason);
  }

  async close(): Promise<void> {
    this.end(new Error("the benchmark has ended"));
    await Promise.all([...this.#running].map((child) => this.stop(child)));
    await rm(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }

  async #compile(name: string): Promise<string> {
    const path = join(this.directory, basename(name));
    await promisify(execFile)(programPath("cc"), ["-O2", "-o", path, join(sources, `${name}.c`)]);
    return path;
  }
}

/** Runs a benchmark on a workbench of its own and leaves nothing behind. */
export async function withWorkbench<T>(body: (bench: Workbench) => Promise<T>): Promise<T> {
  const bench = new Workbench(await mkdtemp(join(tmpdir(), "labd-bench-")));
  const onSignal = (name: NodeJS.Signals) => bench.end(new Error(`ended by ${name}`));
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  try {
    return await unlessEnded(body(bench), bench.signal);
  } finally {
    await bench.close();
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}

/** The process id of a child that has started. */
export function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error("the process has not started");
  return child.pid;
}

function unlessEnded<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    work.then(resolve, reject);
  });
}

/** The group of a process that `start` has made is its own. */
function killGroup(child: ChildProcess): void {
  try {
    process.kill(-pidOf(child), "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
