/** A process of ours that is measured: it takes orders over its channel, one at a time, and answers each. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { pidOf, type Workbench } from "./workbench.js";

/** Node, with V8's profiler when there is a directory for its profiles. */
export function nodeCommand(profileDirectory: string | undefined): readonly string[] {
  return [process.execPath, ...(profileDirectory === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileDirectory}`])];
}

interface Answer<Told> {
  readonly told?: Told;
  readonly error?: string;
}

/** The benchmark's end of the channel. */
export class OrderedProcess<Order, Told> {
  readonly pid: number;
  readonly #bench: Workbench;
  readonly #child: ChildProcess;
  readonly #deadlineMs: number;

  private constructor(bench: Workbench, child: ChildProcess, deadlineMs: number) {
    this.#bench = bench;
    this.#child = child;
    this.#deadlineMs = deadlineMs;
    this.pid = pidOf(child);
  }

  /** `deadlineMs`: for every order. */
  static async start<Order, Told>(bench: Workbench, argv: readonly string[], deadlineMs: number): Promise<OrderedProcess<Order, Told>> {
    return new OrderedProcess<Order, Told>(bench, await bench.start(argv, { stdio: ["ignore", "inherit", "inherit", "ipc"] }), deadlineMs);
  }

  /** Throws what the process did, when it is not answered in time, and when the process ends. */
  async order(order: Order): Promise<Told> {
    const ended = new AbortController();
    const onExit = () => ended.abort(new Error("our process ended before its answer"));
    this.#child.once("exit", onExit);
    try {
      const signal = AbortSignal.any([ended.signal, AbortSignal.timeout(this.#deadlineMs)]);
      const answer = once(this.#child, "message", { signal });
      this.#child.send(order as object);
      const [{ told, error }] = (await answer) as [Answer<Told>];
      if (told === undefined) throw new Error(`our process: ${error}`);
      return told;
    } finally {
      this.#child.off("exit", onExit);
    }
  }

  /** Lets it end by itself, which writes its profile; kills it when it does not. */
  async close(): Promise<void> {
    const exited = this.#child.exitCode === null ? once(this.#child, "exit", { signal: AbortSignal.timeout(30_000) }) : undefined;
    if (this.#child.connected) this.#child.disconnect();
    await exited?.catch(() => undefined);
    await this.#bench.stop(this.#child);
  }
}

/** The process's end. `close` runs when the benchmark has hung up. */
export function takeOrders<Order, Told>(obey: (order: Order) => Promise<Told>, close: () => Promise<void>): void {
  process.on("message", (order: Order) => {
    void obey(order)
      .then((told): Answer<Told> => ({ told }))
      .catch((error: unknown): Answer<Told> => ({ error: String(error) }))
      .then((answer) => process.send?.(answer));
  });
  process.once("disconnect", () => void close());
}
