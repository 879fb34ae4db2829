/** Acts on power, remembered by key over restarts: written before the act is sent, and after it has ended. */
import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { replaceFile } from "../../../proto/base/durable-file.js";
import type { PowerResult, PowerState, PowerVerb } from "../../ports/power.js";
import type { PowerStep } from "./plan.js";

export interface Act {
  readonly node: string;
  readonly key: string;
  readonly verb: PowerVerb;
  /** State read before anything was done. */
  readonly before: PowerState;
  /** `PowerReading.start` of that reading. */
  readonly start?: string | undefined;
  readonly consoleOffset: number;
  readonly begunMs: number;
  /** The step that was sent last, or was about to be when the agent died. */
  readonly step: PowerStep;
  /** The life of the agent in which that was: within one life it is known to have been sent. */
  readonly life: string;
  /** Absent until the act has ended. */
  readonly result?: PowerResult;
}

/** A key is asked for again within minutes, by a controller that was restarted: of 256 machines these are the last eight acts each. */
const keptActs = 2_048;
/** So many more may gather before the oldest are let go of, together. */
const slackActs = 100;

interface Bounds {
  readonly kept: number;
  readonly slack: number;
}

export class Acts {
  /** Of this process. */
  readonly life = randomUUID();
  readonly #directory: string;
  readonly #bounds: Bounds;
  readonly #names: Set<string>;
  #lastPrune: Promise<void> = Promise.resolve();

  private constructor(directory: string, bounds: Bounds, names: readonly string[]) {
    this.#directory = directory;
    this.#bounds = bounds;
    this.#names = new Set(names);
  }

  /** Opens the acts in `directory`, made when missing, and lets go of the oldest. Throws the operating system's error. */
  static async open(directory: string, bounds: Bounds = { kept: keptActs, slack: slackActs }): Promise<Acts> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const names = await readdir(directory);
    // What an earlier life was about to write when it died.
    for (const name of names.filter((each) => each.startsWith("."))) await unlink(join(directory, name));
    const acts = new Acts(
      directory,
      bounds,
      names.filter((each) => !each.startsWith(".")),
    );
    if (acts.#names.size > bounds.kept) await acts.#prune();
    return acts;
  }

  async find(node: string, key: string): Promise<Act | undefined> {
    const text = await readFile(join(this.#directory, nameOf(node, key)), "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    return text === undefined ? undefined : (JSON.parse(text) as Act);
  }

  /** On the disk when this resolves. */
  async write(act: Act): Promise<void> {
    const name = nameOf(act.node, act.key);
    await replaceFile(join(this.#directory, name), JSON.stringify(act));
    this.#names.add(name);
    if (!this.#isFull) return;
    const pruned = this.#lastPrune.then(() => (this.#isFull ? this.#prune() : undefined));
    // An act is not worse for old ones that could not be let go of; the next one tries again.
    this.#lastPrune = pruned.catch(() => undefined);
    await this.#lastPrune;
  }

  /** For an act the device refused: nothing was done, the same key may try again. */
  async forget(act: Act): Promise<void> {
    await this.#remove(nameOf(act.node, act.key));
  }

  get #isFull(): boolean {
    return this.#names.size > this.#bounds.kept + this.#bounds.slack;
  }

  async #prune(): Promise<void> {
    const dated = await Promise.all([...this.#names].map(async (name) => ({ name, ms: await this.#writtenMs(name) })));
    dated.sort((a, b) => b.ms - a.ms);
    for (const { name } of dated.slice(this.#bounds.kept)) await this.#remove(name);
  }

  /** 0 when it is gone. */
  async #writtenMs(name: string): Promise<number> {
    return stat(join(this.#directory, name)).then(
      ({ mtimeMs }) => mtimeMs,
      () => 0,
    );
  }

  async #remove(name: string): Promise<void> {
    this.#names.delete(name);
    await unlink(join(this.#directory, name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
    });
  }
}

/** Keys are the caller's and may hold anything: their digest is a file name. */
function nameOf(node: string, key: string): string {
  return `${createHash("sha256").update(`${node}\n${key}`).digest("hex")}.json`;
}
