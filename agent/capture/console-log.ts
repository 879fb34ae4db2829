/**
 * The permanent log of one console. Bytes get their offsets here; what is told to followers has been written before. Everything
 * that arrives within `batchMs` is written together.
 */
import { Changes } from "../../proto/base/changes.js";
import type { Clock, Timer } from "../../proto/base/clock.js";
import { describeError } from "../../proto/base/errors.js";
import type { PowerVerb } from "../ports/power.js";
import { BannerDetector, type BannerPattern } from "./banner.js";
import { Batch, type MarkLine } from "./batch.js";
import { afterMark, markOfBanner, markOfPower, noEpoch } from "./boot-epochs.js";
import type { Boot, Chunk, Gap, GapCause, Mark } from "./events.js";
import { type LogFilesystem, nodeFilesystem } from "./filesystem.js";
import { Marks } from "./marks.js";
import { Segments } from "./segments.js";

const batchMs = 10;
const batchBytes = 64 * 1024;

/** More than any line brings between two syncs (5 s, see Captures), so more than a power failure can take. */
const skippedBytes = 64 * 2 ** 20;

export interface ConsoleLogOptions {
  readonly clock: Clock;
  /** Told with every gap and boot, and not with bytes. */
  readonly news?: Changes;
  /** Until when the last run is known to have stored all that arrived: see Captures. 0 = unknown. */
  readonly lastAliveMs?: number;
  /** The machine went down under the last run: bytes that were told may be gone, and their offsets must not be used again. */
  readonly powerFailed?: boolean;
  readonly segmentBytes?: number;
  readonly retainBytes?: number;
  readonly banners?: readonly BannerPattern[];
  readonly filesystem?: LogFilesystem;
}

/** Names a gap that was opened and is to be closed. */
export type OpenGap = { readonly id: number; readonly gap: Gap };

export class ConsoleLog {
  readonly directory: string;
  readonly segments: Segments;
  readonly marks: Marks;
  /** Wakes followers whenever there is more to tell. */
  readonly changes = new Changes();
  readonly #clock: Clock;
  readonly #news: Changes | undefined;
  readonly #detector: BannerDetector;
  #epochs = noEpoch;
  /** Received and not yet written. */
  #batch = new Batch();
  #timer: Timer | undefined;
  /** The batch written last: followers who keep up need no file. */
  #newest: Chunk | undefined;
  /** Set while bytes are lost because they cannot be written. */
  #outage: OpenGap | undefined;
  #closed = false;

  /** Opens or creates the log in `directory` and repairs what a crash left. Throws the filesystem's error. */
  constructor(directory: string, options: ConsoleLogOptions) {
    const { clock, filesystem = nodeFilesystem, segmentBytes = 16 * 2 ** 20, retainBytes = 2 ** 30 } = options;
    this.directory = directory;
    this.#clock = clock;
    this.#news = options.news;
    this.#detector = new BannerDetector(options.banners);
    filesystem.mkdirSync(directory, { recursive: true, mode: 0o750 });
    this.marks = new Marks(directory, filesystem);
    this.segments = new Segments(directory, this.marks.lastOffset, { segmentBytes, retainBytes, filesystem });
    this.marks.confine(this.end);
    for (const { mark } of this.marks.all) this.#epochs = afterMark(this.#epochs, mark);
    if (this.segments.isNew) return;
    const stopped = this.marks.all.some(({ mark }) => isOpen(mark) && mark.cause === "agent-down");
    if (!stopped && options.powerFailed === true) this.segments.skip(skippedBytes);
    this.#tellAgentDown(Math.max(options.lastAliveMs ?? 0, this.segments.lastTimeMs), stopped);
  }

  /** First offset still kept. */
  get first(): number {
    return this.segments.first;
  }

  /** Offset after the last stored byte. */
  get end(): number {
    return this.segments.end;
  }

  /** True while bytes are being lost because they cannot be written. */
  get losing(): boolean {
    return this.#outage !== undefined;
  }

  /** Time of the last stored byte, 0 when there is none. */
  get lastByteMs(): number {
    return this.#newest?.timeMs ?? this.segments.lastTimeMs;
  }

  /** Number of the current boot epoch, 0 before the first mark. */
  get epoch(): number {
    return this.#epochs.epoch;
  }

  get boots(): readonly Boot[] {
    return this.marks.all.map(({ mark }) => mark).filter((mark) => mark.kind === "boot");
  }

  /** Takes bytes as they came. They belong to the log from now on and must not be changed. */
  append(data: Uint8Array, receivedMs: number): void {
    for (const banner of this.#detector.push(data, this.#received)) {
      this.#addMark(markOfBanner(this.#epochs, banner, receivedMs));
    }
    if (data.length === 0) return;
    this.#batch.append(data, receivedMs);
    if (this.#batch.bytes >= batchBytes) this.flush();
    else this.#arm();
  }

  /** Records that bytes are missing here. `toMs` 0 leaves the gap open until `closeGap`. */
  gap(gap: { cause: GapCause; detail: string; fromMs: number; toMs: number; lostBytes?: number }): OpenGap {
    this.#detector.interrupt();
    const mark: Gap = { kind: "gap", offset: this.#received, lostBytes: 0, ...gap };
    return { id: this.#addMark(mark), gap: mark };
  }

  closeGap(open: OpenGap, toMs: number): void {
    this.#batch.marks.push({ id: open.id, mark: { ...open.gap, toMs } });
    this.flush();
  }

  /** Power is about to be switched. Returns the offset before the act; all before it is stored. */
  markPower(verb: PowerVerb): number {
    this.flush();
    const mark = markOfPower(this.#epochs, verb, this.end, this.#clock.now());
    if (mark !== undefined) {
      this.#detector.interrupt();
      this.#addMark(mark);
      this.flush();
    }
    return this.end;
  }

  /** Writes what has been received, then tells followers. Never throws: what cannot be written becomes a gap. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const batch = this.#batch;
    if (this.#closed || batch.isEmpty) return;
    this.#batch = new Batch();
    const timeMs = batch.firstMs ?? this.#clock.now();
    const outage = this.#outage;
    const marks = outage === undefined ? batch.marks : [{ id: outage.id, mark: { ...outage.gap, toMs: timeMs } }, ...batch.marks];
    const data = batch.join();
    const offset = this.end;
    const failure = this.#write(data, timeMs, marks);
    const stored = this.end - offset;
    if (stored > 0) this.#newest = { offset, data: data.subarray(0, stored), timeMs };
    if (failure === undefined || stored > 0) this.#outage = undefined;
    for (const line of marks) {
      if (line.id !== this.#outage?.id) this.#tell(line);
    }
    if (failure !== undefined) this.#lose(data.length - stored, failure.error, timeMs);
    this.changes.tell();
    if (marks.length > 0 || failure !== undefined) this.#news?.tell();
  }

  /** Resolves when all that was stored before is on the disk itself, safe from a power failure. */
  async sync(): Promise<void> {
    await Promise.all([this.segments.sync(), this.marks.sync()]);
  }

  /** The newest bytes from `offset` on, at most `limit`, when they are still in memory. */
  newestFrom(offset: number, limit: number): Chunk | undefined {
    const newest = this.#newest;
    if (newest === undefined || offset < newest.offset || offset >= newest.offset + newest.data.length) return undefined;
    const start = offset - newest.offset;
    return { offset, data: newest.data.subarray(start, start + limit), timeMs: newest.timeMs };
  }

  /** Writes what is there and lets go of the files, leaving a gap open until the log is opened again. Followers end. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.gap({ cause: "agent-down", detail: "capture was stopped", fromMs: this.#clock.now(), toMs: 0 });
    this.flush();
    this.#closed = true;
    this.segments.close();
    this.changes.close();
  }

  get #received(): number {
    return this.end + this.#batch.bytes;
  }

  #addMark(mark: Mark): number {
    const id = this.marks.newId();
    this.#epochs = afterMark(this.#epochs, mark);
    this.#batch.marks.push({ id, mark });
    this.#arm();
    return id;
  }

  #arm(): void {
    this.#timer ??= this.#clock.after(batchMs, () => this.flush());
  }

  /** Marks before the bytes they speak of: a crash between the two may leave a mark without its bytes, never a loss without its gap. */
  #write(data: Uint8Array, timeMs: number, marks: readonly MarkLine[]): { error: unknown } | undefined {
    try {
      for (const { id, mark } of marks) this.marks.stage(id, mark);
      this.marks.save();
      if (data.length > 0) this.segments.append(data, timeMs);
      return undefined;
    } catch (error) {
      return { error };
    }
  }

  #tell({ id, mark }: MarkLine): void {
    if (mark.offset <= this.end) return this.marks.tell(id, mark);
    const moved = { ...mark, offset: this.end };
    this.marks.stage(id, moved);
    this.marks.tell(id, moved);
  }

  /** Bytes could not be written and are gone: opens the gap that says so, or adds to it. It closes with the next bytes that can. */
  #lose(lostBytes: number, error: unknown, timeMs: number): void {
    if (lostBytes === 0) return;
    this.#detector.interrupt();
    let outage = this.#outage;
    if (outage === undefined) {
      const detail = describeError(error);
      const full = error instanceof Error && ["ENOSPC", "EDQUOT"].includes((error as NodeJS.ErrnoException).code ?? "");
      const cause = full ? "disk-full" : "discarded";
      outage = { id: this.marks.newId(), gap: { kind: "gap", offset: this.end, cause, detail, fromMs: timeMs, toMs: 0, lostBytes: 0 } };
      this.marks.tell(outage.id, outage.gap);
    }
    this.#outage = { id: outage.id, gap: { ...outage.gap, lostBytes: outage.gap.lostBytes + lostBytes } };
    this.marks.stage(outage.id, this.#outage.gap);
  }

  /** Nobody listened between the last run and now, and gaps that were open then ended with it. */
  #tellAgentDown(lastKnownMs: number, stopped: boolean): void {
    const nowMs = this.#clock.now();
    const fromMs = Math.min(lastKnownMs, nowMs);
    for (const { id, mark } of this.marks.all) {
      if (!isOpen(mark)) continue;
      const endMs = mark.cause === "agent-down" ? nowMs : fromMs;
      this.#batch.marks.push({ id, mark: { ...mark, toMs: Math.max(mark.fromMs, endMs) } });
    }
    if (!stopped) this.gap({ cause: "agent-down", detail: "the site agent ended without a word", fromMs, toMs: nowMs });
    this.flush();
  }
}

function isOpen(mark: Mark): mark is Gap {
  return mark.kind === "gap" && mark.toMs === 0;
}
