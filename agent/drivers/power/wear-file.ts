/** The wear of all machines of an agent, remembered over its restarts. On the disk by wall time, in memory by the monotonic clock. */
import { readFile } from "node:fs/promises";
import type { Clock } from "../../../proto/base/clock.js";
import { replaceFile } from "../../../proto/base/durable-file.js";
import type { PowerState } from "../../ports/power.js";
import type { PowerStep } from "./plan.js";
import { isStart, noWear, wearByReading, wearByRefusal, wearBySending, type NodeWear } from "./wear.js";

/** Times are Unix milliseconds. */
interface Stored {
  readonly off?: number;
  readonly offAwaited?: boolean;
  readonly starts?: readonly number[];
}

export class WearFile {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #wear: Map<string, NodeWear>;
  /** A write that has not begun takes along whatever changes until it begins. */
  #nextWrite: Promise<void> | undefined;
  #lastWrite: Promise<unknown> = Promise.resolve();

  private constructor(path: string, clock: Clock, wear: Map<string, NodeWear>) {
    this.#path = path;
    this.#clock = clock;
    this.#wear = wear;
  }

  /** Reads what an earlier life knew. Throws the operating system's error. */
  static async open(path: string, clock: Clock): Promise<WearFile> {
    const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return "{}";
      throw error;
    });
    // A time in the future (the wall clock was set back) counts as now: a machine then rests longer, never shorter.
    const ageOf = (wallMs: number) => Math.max(0, clock.now() - wallMs);
    const toMonotonic = (wallMs: number) => clock.monotonicMs() - ageOf(wallMs);
    const stored = Object.entries(JSON.parse(text) as Record<string, Stored>);
    const wear = stored.map(([node, { off, offAwaited = false, starts = [] }]): [string, NodeWear] => [
      node,
      { offMs: off === undefined ? undefined : toMonotonic(off), offAwaited, startsMs: starts.map(toMonotonic) },
    ]);
    return new WearFile(path, clock, new Map(wear));
  }

  /** By node; a view, not a copy. */
  get all(): ReadonlyMap<string, NodeWear> {
    return this.#wear;
  }

  of(node: string): NodeWear {
    return this.#wear.get(node) ?? noWear;
  }

  /**
   * A step is about to be sent: on the disk when this resolves. It counts from that moment on, which is returned: what is sent next is
   * sent later than anybody reckons.
   */
  async sending(node: string, step: PowerStep): Promise<number> {
    const before = this.of(node);
    this.#wear.set(node, wearBySending(before, step, this.#clock.monotonicMs()));
    await this.#write();
    const nowMs = this.#clock.monotonicMs();
    this.#wear.set(node, wearBySending(before, step, nowMs));
    return nowMs;
  }

  /** The device refused the step of that moment. */
  async refused(node: string, step: PowerStep, sentMs: number): Promise<void> {
    if (!isStart(step)) return;
    this.#wear.set(node, wearByRefusal(this.of(node), sentMs));
    await this.#write();
  }

  /** On the disk when this resolves, if it tells anything new. */
  async seen(node: string, state: PowerState): Promise<void> {
    const before = this.of(node);
    const after = wearByReading(before, state, this.#clock.monotonicMs());
    if (after === before) return;
    this.#wear.set(node, after);
    await this.#write();
  }

  #write(): Promise<void> {
    if (this.#nextWrite !== undefined) return this.#nextWrite;
    const write = this.#lastWrite.then(() => {
      this.#nextWrite = undefined;
      return replaceFile(this.#path, JSON.stringify(this.#stored()));
    });
    this.#nextWrite = write;
    // A write that failed is the failure of those who waited for it; the next one tries again.
    this.#lastWrite = write.catch(() => undefined);
    return write;
  }

  #stored(): Record<string, Stored> {
    const toWall = (monotonicMs: number) => Math.round(this.#clock.now() - (this.#clock.monotonicMs() - monotonicMs));
    return Object.fromEntries(
      [...this.#wear].map(([node, { offMs, offAwaited, startsMs }]) => [
        node,
        { ...(offMs === undefined ? {} : { off: toWall(offMs) }), offAwaited, starts: startsMs.map(toWall) },
      ]),
    );
  }
}
