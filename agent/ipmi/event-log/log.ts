/** The newest entries of a BMC's system event log. */
import { FailedError } from "../../../proto/base/errors.js";
import { type Carrier, getSelEntry, getSelInfo, recordId, type ReplyOf, reserveSel, wholeRecord } from "../command/index.js";
import { completionOf } from "../completion.js";
import { completionCode } from "../wire/index.js";

interface Signal {
  readonly signal?: AbortSignal | undefined;
}

export interface LogRecords {
  /** In the log, read or not. */
  readonly count: number;
  readonly overflow: boolean;
  /** Oldest first, 16 bytes each. */
  readonly records: readonly Uint8Array[];
}

const attempts = 4;
const mostRecords = 0xffff;

/** Reads the newest `limit` records. Throws FailedError when the log keeps changing while it is read. */
export async function readLog(bmc: Carrier, limit: number, options?: Signal): Promise<LogRecords> {
  let reservation = 0;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const info = await bmc.send(getSelInfo, {}, options);
    const { entries: count, operations } = info;
    try {
      const records = count === 0 || limit === 0 ? [] : await new Chain(bmc, reservation, options).newest(limit, count);
      return { count, overflow: operations.overflow, records };
    } catch (error) {
      const code = completionOf(error);
      // A record that was deleted meanwhile, or a BMC that wants a reservation for whole records too.
      if (code !== completionCode.notPresent && code !== completionCode.reservationCanceled) throw error;
      if (code === completionCode.reservationCanceled) reservation = (await bmc.send(reserveSel, {}, options)).reservation;
    }
  }
  throw new FailedError(`${bmc.label}: its event log changed ${attempts} times while it was read; try again`);
}

/** Records lead from one to the next only forwards, so the newest few are found by guessing where they begin. */
class Chain {
  readonly #bmc: Carrier;
  readonly #reservation: number;
  readonly #options: Signal | undefined;

  constructor(bmc: Carrier, reservation: number, options: Signal | undefined) {
    this.#bmc = bmc;
    this.#reservation = reservation;
    this.#options = options;
  }

  async newest(limit: number, count: number): Promise<readonly Uint8Array[]> {
    const tail = limit < count ? await this.#tail(limit) : [];
    const records = tail.length >= limit ? tail : await this.#from(recordId.first);
    return records.slice(-limit);
  }

  /** Numbers mostly follow each other: whatever record is found there, the way from it leads to the end. Too few when there is none. */
  async #tail(limit: number): Promise<readonly Uint8Array[]> {
    const [low = 0, high = 0] = (await this.#entry(recordId.last)).data;
    const guess = (low | (high << 8)) - limit + 1;
    if (guess <= recordId.first) return [];
    try {
      return await this.#from(guess);
    } catch (error) {
      if (completionOf(error) !== completionCode.notPresent) throw error;
      return [];
    }
  }

  async #from(first: number): Promise<readonly Uint8Array[]> {
    const records: Uint8Array[] = [];
    const seen = new Set<number>();
    for (let id = first; id !== recordId.last && !seen.has(id) && seen.size < mostRecords; ) {
      seen.add(id);
      const { next, data } = await this.#entry(id);
      records.push(data);
      id = next;
    }
    return records;
  }

  #entry(record: number): Promise<ReplyOf<typeof getSelEntry>> {
    return this.#bmc.send(getSelEntry, { reservation: this.#reservation, record, offset: 0, count: wholeRecord }, this.#options);
  }
}
