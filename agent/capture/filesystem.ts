/** The file operations capture writes with, so that tests can let a disk fill up. All writing is synchronous: see README. */
import * as fs from "node:fs";

export type LogFilesystem = Pick<
  typeof fs,
  | "closeSync"
  | "existsSync"
  | "fdatasync"
  | "fstatSync"
  | "ftruncateSync"
  | "mkdirSync"
  | "openSync"
  | "readdirSync"
  | "readFileSync"
  | "statSync"
  | "unlinkSync"
  | "writeSync"
>;

export const nodeFilesystem: LogFilesystem = fs;

/** Opens for reading and positional writing; creates it empty when it is not there. Never truncates. */
export function openForUpdate(filesystem: LogFilesystem, path: string): number {
  return filesystem.openSync(path, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o640);
}

/** Calls `onProgress` with what was written after every step, so that the caller knows how far it came when a step throws. */
export function writeAll(
  filesystem: LogFilesystem,
  fd: number,
  data: Uint8Array,
  position: number,
  onProgress: (written: number) => void = () => {},
): void {
  for (let done = 0; done < data.length; ) {
    const written = filesystem.writeSync(fd, data, done, data.length - done, position + done);
    done += written;
    onProgress(written);
  }
}

/** Syncs and closes of one log's files, off the event loop and one after the other: no file is closed under a sync. */
export class SyncQueue {
  readonly #filesystem: LogFilesystem;
  #last: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;

  constructor(filesystem: LogFilesystem) {
    this.#filesystem = filesystem;
  }

  sync(...files: readonly number[]): void {
    for (const fd of files) {
      this.#add(
        () =>
          new Promise((resolve, reject) => {
            this.#filesystem.fdatasync(fd, (error) => (error === null ? resolve() : reject(error)));
          }),
      );
    }
  }

  close(...files: readonly number[]): void {
    for (const fd of files) this.#add(() => this.#filesystem.closeSync(fd));
  }

  /** Resolves when all that was asked for is done. Throws the first error since the last call. */
  async done(): Promise<void> {
    await this.#last;
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure.error;
  }

  #add(work: () => void | Promise<void>): void {
    this.#last = this.#last.then(work).catch((error: unknown) => {
      this.#failure ??= { error };
    });
  }
}
