/** Acts on power, remembered by key over restarts: written before the act is sent, and after it has ended. */
import { createHash } from "node:crypto";
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
  readonly consoleOffset: number;
  readonly begunMs: number;
  /** The step that was sent last, or was about to be when the agent died. */
  readonly step: PowerStep;
  /** Absent until the act has ended. */
  readonly result?: PowerResult;
}

/** A key is asked for again within minutes, by a controller that was restarted; a year of acts fits all the same. */
const keptActs = 2_000;

export class Acts {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** Opens the acts in `directory`, made when missing, and lets go of the oldest. Throws the operating system's error. */
  static async open(directory: string): Promise<Acts> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const acts = new Acts(directory);
    await acts.#prune();
    return acts;
  }

  async find(node: string, key: string): Promise<Act | undefined> {
    const text = await readFile(this.#path(node, key), "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    return text === undefined ? undefined : (JSON.parse(text) as Act);
  }

  /** On the disk when this resolves. */
  write(act: Act): Promise<void> {
    return replaceFile(this.#path(act.node, act.key), JSON.stringify(act));
  }

  /** For an act the device refused: nothing was done, the same key may try again. */
  forget(act: Act): Promise<void> {
    return unlink(this.#path(act.node, act.key));
  }

  async #prune(): Promise<void> {
    const names = await readdir(this.#directory);
    if (names.length <= keptActs) return;
    const dated = await Promise.all(names.map(async (name) => ({ name, ms: (await stat(join(this.#directory, name))).mtimeMs })));
    dated.sort((a, b) => b.ms - a.ms);
    for (const { name } of dated.slice(keptActs)) await unlink(join(this.#directory, name));
  }

  /** Keys are the caller's and may hold anything: their digest is a file name. */
  #path(node: string, key: string): string {
    return join(this.#directory, `${createHash("sha256").update(`${node}\n${key}`).digest("hex")}.json`);
  }
}
