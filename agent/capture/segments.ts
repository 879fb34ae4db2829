/** The bytes of one console on disk: append-only segments of raw bytes, each with its time index, the oldest dropped beyond a size. */
import { join } from "node:path";
import { type LogFilesystem, openForUpdate, SyncQueue, writeAll } from "./filesystem.js";
import { encodeTimeRecord, type TimeRecord, timeRecordBytes, timeResolutionMs, TimeTable } from "./time-index.js";

export interface SegmentOptions {
  /** A segment that has reached this size is followed by a new one. */
  readonly segmentBytes: number;
  /** Whole segments are dropped, oldest first, while more than this is kept. The newest always stays. */
  readonly retainBytes: number;
  readonly filesystem: LogFilesystem;
}

/** Bytes [first, end). Only the newest grows. */
export interface Segment {
  readonly first: number;
  readonly end: number;
}

/** "00000000000001204331.log" holds the bytes from that offset on, ".times" beside it their times. */
export function segmentPath(directory: string, first: number, kind: "log" | "times"): string {
  return join(directory, `${String(first).padStart(20, "0")}.${kind}`);
}

export class Segments {
  readonly directory: string;
  /** True when there was no segment at open. */
  readonly isNew: boolean;
  readonly #options: SegmentOptions;
  readonly #segments: { readonly first: number; end: number }[];
  #newest: { readonly first: number; end: number };
  #dataFd: number;
  #timesFd: number;
  #timesBytes: number;
  #lastTime: TimeRecord | undefined;
  readonly #syncs: SyncQueue;
  #unsynced = false;

  /** Opens what is there and cuts back what a crash left torn. An empty directory begins at `startOffset`. */
  constructor(directory: string, startOffset: number, options: SegmentOptions) {
    this.directory = directory;
    this.#options = options;
    this.#syncs = new SyncQueue(options.filesystem);
    this.#segments = this.#list();
    this.isNew = this.#segments.length === 0;
    this.#newest = this.#segments.at(-1) ?? { first: startOffset, end: startOffset };
    if (this.#segments.length === 0) this.#segments.push(this.#newest);
    const { dataFd, timesFd } = this.#openFiles(this.#newest.first);
    this.#dataFd = dataFd;
    this.#timesFd = timesFd;
    const times = this.#readTimes(this.#newest);
    this.#timesBytes = times.length * timeRecordBytes;
    this.#lastTime = times.last ?? this.#segments.slice(-2).map((segment) => this.#readTimes(segment).last)[0];
    options.filesystem.ftruncateSync(timesFd, this.#timesBytes);
    this.#dropOldest();
  }

  /** First offset still kept. */
  get first(): number {
    return this.#segments[0]?.first ?? this.#newest.first;
  }

  get end(): number {
    return this.#newest.end;
  }

  /** Oldest first. */
  get all(): readonly Segment[] {
    return this.#segments;
  }

  /** Time of the last bytes, to `timeResolutionMs`; 0 when nothing was ever stored. */
  get lastTimeMs(): number {
    return this.#lastTime?.timeMs ?? 0;
  }

  /** The segment that holds `offset`; undefined when it is not kept or not yet there. */
  holding(offset: number): Segment | undefined {
    return this.#segments.find((segment) => segment.first <= offset && offset < segment.end);
  }

  /** The first offset after `offset` that is kept: where to go on when `offset` itself is not. */
  nextKept(offset: number): number {
    return this.#segments.find((segment) => segment.first > offset && segment.end > segment.first)?.first ?? this.end;
  }

  /** Appends at `end`, which has moved by what was stored also when this throws an error of the filesystem. */
  append(data: Uint8Array, timeMs: number): void {
    if (this.#newest.end - this.#newest.first >= this.#options.segmentBytes) this.#begin(this.end);
    const segment = this.#newest;
    this.#recordTime(timeMs);
    this.#unsynced = true;
    writeAll(this.#options.filesystem, this.#dataFd, data, segment.end - segment.first, (written) => {
      segment.end += written;
    });
  }

  /** Leaves `count` offsets unused: the next byte begins a segment behind them. */
  skip(count: number): void {
    this.#begin(this.end + count);
  }

  /** Resolves when all that was appended before is on the disk and not only with the operating system. */
  async sync(): Promise<void> {
    if (this.#unsynced) this.#syncs.sync(this.#dataFd, this.#timesFd);
    this.#unsynced = false;
    await this.#syncs.done();
  }

  /** Lets go of the files once they are on the disk: `sync` tells when that is. */
  close(): void {
    if (this.#unsynced) this.#syncs.sync(this.#dataFd, this.#timesFd);
    this.#unsynced = false;
    this.#syncs.close(this.#dataFd, this.#timesFd);
  }

  #recordTime(timeMs: number): void {
    const offset = this.end;
    const sinceLast = timeMs - this.lastTimeMs;
    if (this.#timesBytes > 0 && sinceLast >= 0 && sinceLast < timeResolutionMs) return;
    // A record whose bytes could not be stored describes nothing: the next one takes its place.
    const position = this.#lastTime?.offset === offset ? Math.max(0, this.#timesBytes - timeRecordBytes) : this.#timesBytes;
    writeAll(this.#options.filesystem, this.#timesFd, encodeTimeRecord({ offset, timeMs }), position);
    this.#timesBytes = position + timeRecordBytes;
    this.#lastTime = { offset, timeMs };
  }

  #begin(first: number): void {
    const next = { first, end: first };
    const { dataFd, timesFd } = this.#openFiles(first);
    this.#syncs.sync(this.#dataFd, this.#timesFd);
    this.#syncs.close(this.#dataFd, this.#timesFd);
    this.#dataFd = dataFd;
    this.#timesFd = timesFd;
    this.#timesBytes = 0;
    this.#newest = next;
    this.#segments.push(next);
    this.#dropOldest();
  }

  #dropOldest(): void {
    const { filesystem, retainBytes } = this.#options;
    let kept = this.#segments.reduce((sum, { first, end }) => sum + end - first, 0);
    while (this.#segments.length > 1 && kept > retainBytes) {
      const dropped = this.#segments.shift();
      if (dropped === undefined) return;
      kept -= dropped.end - dropped.first;
      for (const kind of ["log", "times"] as const) {
        const path = segmentPath(this.directory, dropped.first, kind);
        if (filesystem.existsSync(path)) filesystem.unlinkSync(path);
      }
    }
  }

  #list(): { first: number; end: number }[] {
    const { filesystem } = this.#options;
    const names = filesystem.readdirSync(this.directory).filter((name) => /^\d{20}\.log$/.test(name));
    return names.sort().map((name) => {
      const first = Number(name.slice(0, 20));
      return { first, end: first + filesystem.statSync(join(this.directory, name)).size };
    });
  }

  #readTimes(segment: Segment): TimeTable {
    const { filesystem } = this.#options;
    const path = segmentPath(this.directory, segment.first, "times");
    return new TimeTable(filesystem.existsSync(path) ? filesystem.readFileSync(path) : Buffer.alloc(0), segment);
  }

  #openFiles(first: number): { dataFd: number; timesFd: number } {
    const { filesystem } = this.#options;
    const timesFd = openForUpdate(filesystem, segmentPath(this.directory, first, "times"));
    try {
      return { timesFd, dataFd: openForUpdate(filesystem, segmentPath(this.directory, first, "log")) };
    } catch (error) {
      filesystem.closeSync(timesFd);
      throw error;
    }
  }
}
