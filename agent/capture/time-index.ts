/**
 * Times of a segment's bytes: records of 16 bytes, {u64 offset, u64 ms since the Unix epoch}, little-endian, in offset order. The
 * bytes from a record's offset on arrived between its time and `timeResolutionMs` later. A record is written before the bytes it
 * describes, so that no stored byte is without a time.
 */

/** A new record is due when this much time has passed since the last, or the wall clock went back. */
export const timeResolutionMs = 50;

export const timeRecordBytes = 16;

export interface TimeRecord {
  readonly offset: number;
  readonly timeMs: number;
}

export function encodeTimeRecord({ offset, timeMs }: TimeRecord): Uint8Array {
  const record = Buffer.alloc(timeRecordBytes);
  record.writeBigUInt64LE(BigInt(offset), 0);
  record.writeBigUInt64LE(BigInt(Math.trunc(timeMs)), 8);
  return record;
}

/** The records of one segment as they lie in its file. */
export class TimeTable {
  readonly #records: Buffer;
  readonly length: number;

  /**
   * Takes the valid beginning of `file`: whole records with a time, in offset order, within [first, end]. What follows a torn or
   * zeroed record was never relied upon.
   */
  constructor(file: Buffer, segment: { first: number; end: number }) {
    this.#records = file;
    let length = 0;
    let previous = segment.first;
    for (; (length + 1) * timeRecordBytes <= file.length; length += 1) {
      const { offset, timeMs } = this.at(length);
      if (timeMs === 0 || offset < previous || offset > segment.end) break;
      previous = offset;
    }
    this.length = length;
  }

  at(index: number): TimeRecord {
    const position = index * timeRecordBytes;
    return {
      offset: Number(this.#records.readBigUInt64LE(position)),
      timeMs: Number(this.#records.readBigUInt64LE(position + 8)),
    };
  }

  get last(): TimeRecord | undefined {
    return this.length === 0 ? undefined : this.at(this.length - 1);
  }

  /** Time of the byte at `offset`, and where bytes begin that arrived later than `timeResolutionMs` after it. */
  spanAt(offset: number): { timeMs: number; end: number } {
    const index = this.#indexAt(offset);
    const timeMs = index < 0 ? 0 : this.at(index).timeMs;
    for (let next = index + 1; next < this.length; next += 1) {
      const record = this.at(next);
      if (Math.abs(record.timeMs - timeMs) > timeResolutionMs) return { timeMs, end: record.offset };
    }
    return { timeMs, end: Number.POSITIVE_INFINITY };
  }

  /** Offset of the first record whose bytes may have arrived at or after `timeMs`. */
  since(timeMs: number): number | undefined {
    for (let index = 0; index < this.length; index += 1) {
      const record = this.at(index);
      if (record.timeMs + timeResolutionMs > timeMs) return record.offset;
    }
    return undefined;
  }

  /** Index of the last record at or before `offset`, -1 when there is none. */
  #indexAt(offset: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.at(middle).offset <= offset) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
