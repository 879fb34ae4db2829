/** The serial ports of the machines behind a farm: sol-source.c as a process. Started before the BMCs, which call it. */
import { createInterface } from "node:readline";
import type { ChildProcess } from "node:child_process";
import type { Workbench } from "../workbench.js";

export interface Printing {
  /** Distinguishes the lines of this time from those of the last. */
  readonly round: number;
  /** Lines of 64 bytes for every console. */
  readonly lines: number;
  /** Bytes a second for every console; 0 = as fast as its BMC takes them. */
  readonly bytesPerS: number;
}

export interface Printed {
  readonly wallMs: number;
  /** By how much the most delayed portion missed its time. */
  readonly lateMs: number;
}

/** A UART's bytes come in portions: a BMC collects characters for 20 ms or more before it sends them (SOL character accumulate interval). */
export const portionMs = 20;

export const lineBytes = 64;

export class SerialSource {
  readonly ports: readonly number[];
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(ports: readonly number[], child: ChildProcess, lines: AsyncIterator<string>) {
    this.ports = ports;
    this.#child = child;
    this.#lines = lines;
  }

  static async start(bench: Workbench, count: number): Promise<SerialSource> {
    const child = await bench.start([await bench.program("farm/sol-source"), String(count)], { stdio: ["pipe", "pipe", "inherit"] });
    if (child.stdout === null) throw new Error("the serial source has no output");
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const [, ...ports] = await expect(lines, "ports");
    return new SerialSource(ports.map(Number), child, lines);
  }

  /** Resolves when every BMC has called. */
  async connected(): Promise<void> {
    await expect(this.#lines, "connected");
  }

  /** Lets every machine print; resolves when the BMCs' sockets have taken all of it. */
  async print({ round, lines, bytesPerS }: Printing): Promise<Printed> {
    this.#child.stdin?.write(`go ${round} ${lines} ${bytesPerS} ${portionMs}\n`);
    const [, wallNs, lateNs] = await expect(this.#lines, "done");
    return { wallMs: Number(wallNs) / 1e6, lateMs: Number(lateNs) / 1e6 };
  }

  stop(bench: Workbench): Promise<void> {
    return bench.stop(this.#child);
  }
}

async function expect(lines: AsyncIterator<string>, word: string): Promise<readonly string[]> {
  const { value, done } = await lines.next();
  const words = done === true ? [] : (value as string).split(" ");
  if (words[0] !== word) throw new Error(`the serial source said ${words[0] ?? "nothing more"} where "${word}" was expected`);
  return words;
}
