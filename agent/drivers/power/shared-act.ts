/** One act and all who wait for it. It is given up, where it still may be, when the last of them has gone. */
import { unlessAborted } from "../../../proto/base/abort.js";
import { CancelledError } from "../../../proto/base/errors.js";
import type { PowerRequest, PowerResult, PowerVerb } from "../../ports/power.js";

export class SharedAct {
  readonly verb: PowerVerb;
  readonly result: Promise<PowerResult>;
  readonly #abandon = new AbortController();
  #permit: PowerRequest["permit"];
  #callers = 0;

  /** `perform` gets a signal that aborts when nobody waits any more. */
  constructor(request: PowerRequest, perform: (request: PowerRequest) => Promise<PowerResult>) {
    this.verb = request.verb;
    this.#permit = request.permit;
    // Who joined last holds the permission: an earlier caller may have been replaced by it.
    this.result = perform({ ...request, signal: this.#abandon.signal, permit: async () => this.#permit?.() });
    this.result.catch(() => undefined);
  }

  get abandoned(): boolean {
    return this.#abandon.signal.aborted;
  }

  join(request: PowerRequest): Promise<PowerResult> {
    this.#permit = request.permit;
    return this.wait(request.signal);
  }

  async wait(signal: AbortSignal | undefined): Promise<PowerResult> {
    this.#callers += 1;
    try {
      return await unlessAborted(this.result, signal);
    } finally {
      this.#callers -= 1;
      if (this.#callers === 0) this.#abandon.abort(new CancelledError("cancelled: nobody waits for it any more"));
    }
  }
}
