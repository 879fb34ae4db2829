/** Reads a console's stored bytes at one follower's own pace. Holds at most one file, and none while it keeps up with the line. */
import { type FileHandle, open, readFile } from "node:fs/promises";
import type { ConsoleLog } from "./console-log.js";
import type { Chunk } from "./events.js";
import { type Segment, segmentPath } from "./segments.js";
import { TimeTable } from "./time-index.js";

interface OpenSegment {
  readonly segment: Segment;
  readonly file: FileHandle;
  times: TimeTable;
  /** `times` speaks for the bytes before this offset. */
  timesEnd: number;
}

export class LogReader {
  readonly #log: ConsoleLog;
  #open: OpenSegment | undefined;

  constructor(log: ConsoleLog) {
    this.#log = log;
  }

  /** Bytes from `offset` (below the log's end) on, at least one and at most `limit`; undefined when they are not kept any more. */
  async read(offset: number, limit: number): Promise<Chunk | undefined> {
    const newest = this.#log.newestFrom(offset, limit);
    if (newest !== undefined) {
      await this.close();
      return newest;
    }
    try {
      const open = await this.#at(offset);
      return open === undefined ? undefined : await readFrom(open, offset, limit);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.file.close();
  }

  /** The segment that holds `offset`, open, with times that cover it. */
  async #at(offset: number): Promise<OpenSegment | undefined> {
    if (this.#open === undefined || offset < this.#open.segment.first || offset >= this.#open.segment.end) {
      await this.close();
      const segment = this.#log.segments.holding(offset);
      if (segment === undefined) return undefined;
      const file = await open(segmentPath(this.#log.directory, segment.first, "log"), "r");
      this.#open = { segment, file, times: new TimeTable(Buffer.alloc(0), segment), timesEnd: segment.first };
    }
    const current = this.#open;
    if (offset >= current.timesEnd) {
      const timesEnd = current.segment.end;
      current.times = await readTimes(this.#log.directory, current.segment);
      current.timesEnd = timesEnd;
    }
    return current;
  }
}

async function readFrom({ segment, file, times, timesEnd }: OpenSegment, offset: number, limit: number): Promise<Chunk | undefined> {
  const span = times.spanAt(offset);
  const length = Math.min(limit, timesEnd - offset, span.end - offset);
  const data = new Uint8Array(length);
  const { bytesRead } = await file.read(data, 0, length, offset - segment.first);
  return bytesRead === 0 ? undefined : { offset, data: data.subarray(0, bytesRead), timeMs: span.timeMs };
}

/** The times of a segment; none when somebody removed their file. */
export async function readTimes(directory: string, segment: Segment): Promise<TimeTable> {
  const file = await readFile(segmentPath(directory, segment.first, "times")).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return Buffer.alloc(0);
    throw error;
  });
  return new TimeTable(file, segment);
}
