/**
 * Power by an operator's hand: a verb is a request, kept until the operator says how the machine stands. What was confirmed last is the
 * state; before the first confirmation there is none. Kept in a file, so that a request outlives the agent that made it.
 */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../../proto/base/clock.js";
import { CancelledError, ConflictError, FailedError, UnsupportedError } from "../../../proto/base/errors.js";
import { replaceFile } from "../../../proto/base/durable-file.js";
import type { PowerDevice, PowerReading, PowerState } from "../../ports/power.js";
import { stateAfter, type PowerStep } from "./plan.js";

interface Standing {
  /** Absent until an operator has said it. */
  readonly confirmed?: { readonly state: PowerState; readonly atMs: number };
  /** How often it was switched on or reset, as far as told. */
  readonly starts: number;
  readonly request?: { readonly verb: PowerStep; readonly sinceMs: number };
}

const wording: Readonly<Record<PowerStep, string>> = {
  on: "switch it on",
  off: "switch it off",
  reset: "reset it",
  soft: "shut its operating system down",
};

export class ManualPowerDevice implements PowerDevice {
  readonly label: string;
  readonly #options: { node: string; note: string; directory: string; clock: Clock };
  readonly #file: string;
  #standing: Standing | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** `note`: where the switch is. Keeps one file a node in `directory`, which is made when first needed. */
  constructor(options: { node: string; note: string; directory: string; clock: Clock }) {
    this.#options = options;
    this.#file = join(options.directory, `${encodeURIComponent(options.node)}.json`);
    this.label = `power of ${options.node} by hand`;
  }

  /** Throws ConflictError until the state was confirmed once. */
  read(options?: { signal?: AbortSignal | undefined }): Promise<PowerReading> {
    return this.#inTurn(async (standing) => this.#reading(standing), options);
  }

  /** Asks; a request that was open before is forgotten. */
  send(verb: PowerStep, options?: { signal?: AbortSignal | undefined }): Promise<void> {
    return this.#inTurn(async (standing) => {
      if (verb === "reset" && this.#reading(standing).state === "off") {
        throw new UnsupportedError(`${this.label}: a machine that is off cannot be reset; use on`);
      }
      const { request: _, ...rest } = standing;
      const stands = verb !== "reset" && standing.confirmed?.state === stateAfter[verb];
      await this.#keep(stands ? rest : { ...rest, request: { verb, sinceMs: this.#options.clock.now() } });
    }, options);
  }

  /** Ends the request it fits; another one stays open: the operator may have told of something else. */
  confirm(state: PowerState): Promise<void> {
    return this.#inTurn(async ({ confirmed, starts, request }) => {
      const heeded = request !== undefined && stateAfter[request.verb] === state;
      const started = state === "on" && (confirmed?.state !== "on" || (heeded && request.verb === "reset"));
      await this.#keep({
        confirmed: { state, atMs: this.#options.clock.now() },
        starts: starts + (started ? 1 : 0),
        ...(heeded || request === undefined ? {} : { request }),
      });
    });
  }

  async close(): Promise<void> {
    await this.#last;
  }

  #reading({ confirmed, starts, request }: Standing): PowerReading {
    const { node, note } = this.#options;
    const asks = request && `${wording[request.verb]}${note === "" ? "" : ` (${note})`}`;
    if (confirmed === undefined) {
      throw new ConflictError(`${this.label}: nobody has said yet whether it is on; look, then say: lab power confirm ${node} on|off`, {
        facts: { node },
      });
    }
    const lastEvent = `confirmed ${new Date(confirmed.atMs).toISOString()}`;
    return { state: confirmed.state, fault: false, lastEvent, start: String(starts), asks };
  }

  /** One at a time, so that a confirmation and a request do not undo each other. */
  #inTurn<T>(work: (standing: Standing) => Promise<T>, options?: { signal?: AbortSignal | undefined }): Promise<T> {
    const turn = this.#last.then(async () => {
      if (options?.signal?.aborted === true) throw CancelledError.from(options.signal);
      this.#standing ??= await this.#load();
      return work(this.#standing);
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #load(): Promise<Standing> {
    const { node } = this.#options;
    try {
      const text = await readFile(this.#file, "utf8").catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return undefined;
        throw error;
      });
      return text === undefined ? { starts: 0 } : (JSON.parse(text) as Standing);
    } catch (cause) {
      const next = `remove it, then say how the machine stands: lab power confirm ${node} on|off`;
      throw new FailedError(`${this.label}: what was confirmed cannot be read from ${this.#file}; ${next}`, { cause });
    }
  }

  async #keep(standing: Standing): Promise<void> {
    await mkdir(this.#options.directory, { recursive: true, mode: 0o700 });
    await replaceFile(this.#file, JSON.stringify(standing));
    this.#standing = standing;
  }
}
