/**
 * Gaps and boots of one console: in memory for followers, in `marks.jsonl` for ever. One line per mark, {"id":…,"mark":…}; a later
 * line with the same id replaces the earlier one: so a gap that was open is told its end.
 */
import { join } from "node:path";
import type { MarkLine } from "./batch.js";
import type { Mark } from "./events.js";
import { type LogFilesystem, openForUpdate, SyncQueue, writeAll } from "./filesystem.js";

interface Told {
  readonly id: number;
  mark: Mark;
  replaced: boolean;
}

export class Marks {
  readonly #path: string;
  readonly #filesystem: LogFilesystem;
  readonly #syncs: SyncQueue;
  #fileBytes: number;
  #unsynced = false;
  /** Not yet in the file, by id, in order. */
  readonly #unsaved = new Map<number, Mark>();
  /** As told to followers: the index is the sequence number, offsets never decrease. */
  readonly #told: Told[] = [];
  readonly #latest = new Map<number, Told>();
  #lastId = 0;

  /** Reads what is there; a torn last line is cut off, a damaged one left out. */
  constructor(directory: string, filesystem: LogFilesystem) {
    this.#path = join(directory, "marks.jsonl");
    this.#filesystem = filesystem;
    this.#syncs = new SyncQueue(filesystem);
    const file = filesystem.existsSync(this.#path) ? filesystem.readFileSync(this.#path) : Buffer.alloc(0);
    this.#fileBytes = file.lastIndexOf(0x0a) + 1;
    const latest = new Map<number, Mark>();
    for (const text of file.toString("utf8", 0, this.#fileBytes).split("\n")) {
      const line = parseLine(text);
      if (line !== undefined) latest.set(line.id, line.mark);
    }
    for (const [id, mark] of [...latest].sort(([a], [b]) => a - b)) {
      this.#tell({ id, mark });
      this.#lastId = id;
    }
  }

  /** The greatest offset any mark has, 0 when there is none. */
  get lastOffset(): number {
    return this.#told.at(-1)?.mark.offset ?? 0;
  }

  /** Marks of bytes that were lost in a crash, beyond `end`, move to `end`. For the time before there are followers. */
  confine(end: number): void {
    for (const told of this.#told) {
      if (told.mark.offset > end) told.mark = { ...told.mark, offset: end };
    }
  }

  newId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  /** To be written with the next `save`, in place of what is unsaved under this id. */
  stage(id: number, mark: Mark): void {
    this.#unsaved.delete(id);
    this.#unsaved.set(id, mark);
  }

  /** Writes what is staged, all or nothing. Throws the filesystem's error and keeps it staged. */
  save(): void {
    if (this.#unsaved.size === 0) return;
    const lines = [...this.#unsaved].map(([id, mark]) => `${JSON.stringify({ id, mark })}\n`).join("");
    const fd = openForUpdate(this.#filesystem, this.#path);
    try {
      this.#filesystem.ftruncateSync(fd, this.#fileBytes);
      const data = Buffer.from(lines);
      writeAll(this.#filesystem, fd, data, this.#fileBytes);
      this.#fileBytes += data.length;
      this.#unsaved.clear();
      this.#unsynced = true;
    } finally {
      this.#filesystem.closeSync(fd);
    }
  }

  /** Resolves when all that was saved before is on the disk itself. */
  async sync(): Promise<void> {
    if (this.#unsynced) {
      const fd = openForUpdate(this.#filesystem, this.#path);
      this.#syncs.sync(fd);
      this.#syncs.close(fd);
      this.#unsynced = false;
    }
    await this.#syncs.done();
  }

  /** Lets followers see it; what was told under this id is replaced for those who have not come to it. */
  tell(id: number, mark: Mark): void {
    this.#tell({ id, mark });
  }

  /** All that counts, in order. */
  get all(): readonly MarkLine[] {
    return this.#told.filter((line) => !line.replaced);
  }

  /** Where a follower begins who wants only what comes: at a gap that is still open, or after the last mark. */
  get endSequence(): number {
    const last = this.#told.at(-1);
    return last?.mark.kind === "gap" && last.mark.toMs === 0 ? this.#told.length - 1 : this.#told.length;
  }

  /** Sequence number of the first mark at or after `offset`. */
  sequenceAt(offset: number): number {
    let low = 0;
    let high = this.#told.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#told[middle]?.mark.offset ?? 0) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The first mark that counts from this sequence number on, and the sequence number after it. */
  from(sequence: number): { readonly mark: Mark; readonly next: number } | undefined {
    for (let index = sequence; index < this.#told.length; index += 1) {
      const line = this.#told[index];
      if (line !== undefined && !line.replaced) return { mark: line.mark, next: index + 1 };
    }
    return undefined;
  }

  #tell(line: MarkLine): void {
    const earlier = this.#latest.get(line.id);
    if (earlier !== undefined) earlier.replaced = true;
    const told = { ...line, replaced: false };
    this.#latest.set(line.id, told);
    this.#told.push(told);
  }
}

function parseLine(text: string): MarkLine | undefined {
  try {
    const line = JSON.parse(text) as MarkLine;
    return Number.isSafeInteger(line.id) && Number.isSafeInteger(line.mark.offset) ? line : undefined;
  } catch {
    return undefined;
  }
}
