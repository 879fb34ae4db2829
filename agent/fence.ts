/** Stale permissions are refused: of every node the highest lease epoch seen is remembered, over restarts. */
import { readFile } from "node:fs/promises";
import { replaceFile } from "../proto/base/durable-file.js";
import { ConflictError, InvalidArgumentError } from "../proto/base/errors.js";
import type { Fence } from "../proto/gen/lab/v1/common.js";

export class Fences {
  readonly #path: string;
  readonly #highest: Map<string, bigint>;
  /** What of it is on the disk. */
  #stored: ReadonlyMap<string, bigint>;
  #lastWrite: Promise<void> = Promise.resolve();

  private constructor(path: string, highest: Map<string, bigint>) {
    this.#path = path;
    this.#highest = highest;
    this.#stored = new Map(highest);
  }

  /** Reads what was seen before from the file at `path`, if there is one. Throws the operating system's error. */
  static async open(path: string): Promise<Fences> {
    const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return "{}";
      throw error;
    });
    const epochs = Object.entries(JSON.parse(text) as Record<string, string>);
    return new Fences(path, new Map(epochs.map(([node, epoch]) => [node, BigInt(epoch)])));
  }

  /**
   * Resolves when an act on the node under this fence may go ahead; a new epoch is on the disk by then. Throws ConflictError for an
   * epoch lower than one seen before, InvalidArgumentError when there is no fence at all.
   */
  async require(node: string, fence: Fence | undefined): Promise<void> {
    if (fence === undefined)
      throw new InvalidArgumentError(`${node}: acting needs a lease's fence, and the call has none`, { facts: { node } });
    const highest = this.#highest.get(node) ?? -1n;
    if (fence.epoch < highest) {
      throw new ConflictError(
        `${node}: lease ${fence.leaseId} (epoch ${fence.epoch}) is over: epoch ${highest} has acted since; lease the node again`,
        {
          facts: { node, lease: fence.leaseId, epoch: Number(fence.epoch), highest: Number(highest) },
        },
      );
    }
    this.#highest.set(node, fence.epoch);
    if (this.#isStored(node, fence.epoch)) return;
    const written = this.#lastWrite.then(() => (this.#isStored(node, fence.epoch) ? undefined : this.#write()));
    // A write that failed is the failure of those who waited for it; the next act tries again.
    this.#lastWrite = written.catch(() => undefined);
    await written;
  }

  #isStored(node: string, epoch: bigint): boolean {
    return (this.#stored.get(node) ?? -1n) >= epoch;
  }

  async #write(): Promise<void> {
    const highest = new Map(this.#highest);
    const epochs = [...highest].map(([node, epoch]) => [node, epoch.toString()]);
    await replaceFile(this.#path, JSON.stringify(Object.fromEntries(epochs)));
    this.#stored = highest;
  }
}
