/**
 * A file that grows: a virtual machine's serial log, another console server's log. Read only.
 *
 * What was in the file when it was first opened is not told: it was on the line before we were. A file that was not there at the
 * first try is told from its start, and so is one that takes another's place.
 */
import { type FileHandle, open, stat } from "node:fs/promises";
import { type Clock, sleep } from "../../../proto/base/clock.js";
import { CancelledError, UnreachableError, UnsupportedError } from "../../../proto/base/errors.js";
import type { ConsoleLine, ConsoleSource, LineEvent } from "../../ports/console.js";

/** Polled, not watched: notification does not work on network file systems. */
const pollMs = 100;
const readBytes = 64 * 1024;

/** Where reading stands, over closings. */
interface Place {
  inode: number | undefined;
  position: number;
}

export function fileConsole(path: string, clock: Clock): ConsoleSource {
  const label = `file ${path}`;
  let place: Place | undefined;
  return {
    kind: "file",
    label,
    open: async (options) => {
      if (options?.signal?.aborted) throw CancelledError.from(options.signal);
      try {
        const file = await open(path, "r");
        const { ino, size } = await file.stat();
        place ??= { inode: ino, position: size };
        if (place.inode !== ino) place = { inode: ino, position: 0 };
        return new FileLine(file, path, place, clock);
      } catch (cause) {
        place ??= { inode: undefined, position: 0 };
        throw new UnreachableError(`${label}: cannot be read; check the path and its permissions`, { cause });
      }
    },
    close: async () => {},
  };
}

class FileLine implements ConsoleLine {
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #place: Place;
  readonly #clock: Clock;
  readonly #closing = new AbortController();

  constructor(file: FileHandle, path: string, place: Place, clock: Clock) {
    this.#file = file;
    this.#path = path;
    this.#place = place;
    this.#clock = clock;
  }

  async write(): Promise<void> {
    throw new UnsupportedError(`file ${this.#path}: a console that is a file can be read only`);
  }

  async sendBreak(): Promise<void> {
    throw new UnsupportedError(`file ${this.#path}: a console that is a file has no BREAK`);
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    await this.#file.close().catch(() => {});
  }

  async read(tell: (event: LineEvent) => void): Promise<void> {
    const signal = this.#closing.signal;
    try {
      while (!signal.aborted) {
        const event = (await this.#grown()) ?? (await this.#shrunk());
        if (event === undefined) await sleep(this.#clock, pollMs, { signal });
        else tell(event);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #grown(): Promise<LineEvent | undefined> {
    const { buffer, bytesRead } = await this.#file.read(Buffer.alloc(readBytes), 0, readBytes, this.#place.position);
    if (bytesRead === 0) return undefined;
    this.#place.position += bytesRead;
    return { kind: "bytes", data: new Uint8Array(buffer.subarray(0, bytesRead)), receivedMs: this.#clock.now() };
  }

  /** Throws UnreachableError when the path leads to another file or to none: to be opened again. */
  async #shrunk(): Promise<LineEvent | undefined> {
    const now = await stat(this.#path).catch(() => undefined);
    if (now?.ino !== this.#place.inode) {
      throw new UnreachableError(`file ${this.#path}: it was ${now === undefined ? "removed" : "replaced by another"}`);
    }
    const before = this.#place.position;
    if (now === undefined || now.size >= before) return undefined;
    this.#place.position = 0;
    return { kind: "loss", cause: "discarded", detail: `the file was cut from ${before} to ${now.size} bytes; read again from its start` };
  }
}
