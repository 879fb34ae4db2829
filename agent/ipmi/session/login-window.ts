/**
 * How many logins are under way at once. A login is four packets each way and arithmetic, and BMCs answer together: without a window the
 * answers of hundreds come while we compute for the first, and are repeated. Who waits is served in turn; who is silent does not count.
 */
import { CancelledError } from "../../../proto/base/errors.js";

/** As FreeIPMI's fan-out, with which no BMC was seen to be asked twice. */
const defaultSize = 64;
/** A BMC that says nothing for so long gives its place away; its login goes on without. */
export const placeKeptMs = 250;

export class LoginWindow {
  readonly #size: number;
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  constructor(size = defaultSize) {
    this.#size = size;
  }

  /** Waits for a place; gives the function that gives it back, any number of times. Throws CancelledError. */
  async enter(options?: { signal?: AbortSignal | undefined }): Promise<() => void> {
    const signal = options?.signal;
    if (signal?.aborted) throw CancelledError.from(signal);
    if (this.#taken < this.#size) this.#taken += 1;
    else await this.#turn(signal);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      // The place goes from hand to hand: it is never free while somebody waits.
      const next = this.#waiting.shift();
      if (next === undefined) this.#taken -= 1;
      else next();
    };
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const onTurn = () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      };
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(onTurn), 1);
        reject(CancelledError.from(signal));
      };
      this.#waiting.push(onTurn);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }
}
