/** Files of this machine, by absolute path. */

export interface FileInfo {
  readonly kind: "file" | "directory" | "link" | "device" | "other";
  readonly sizeBytes: number;
  readonly mode: number;
  readonly modifiedMs: number;
  /** Lower-case hex; only when asked for and a regular file. */
  readonly sha256?: string;
}

export interface WriteOptions {
  /** Permission bits of a new file; default 0644. An existing file keeps its own mode and owner. */
  readonly mode?: number;
  /** Lower-case hex the contents must have; otherwise nothing is written and FailedError is thrown. */
  readonly sha256?: string;
  /** Write into what is there (a device, a FIFO) instead of replacing it. Nothing is created. */
  readonly inPlace?: boolean;
}

export interface Files {
  /** Undefined when nothing is there. */
  stat(path: string, options?: { wantSha256?: boolean }): Promise<FileInfo | undefined>;
  /** Throws NotFoundError. */
  read(path: string, range?: { offset?: number; limit?: number }): AsyncIterable<Uint8Array>;
  /** The file appears at once and complete, or not at all (temporary file, fsync, rename). ExhaustedError when the disk is full. */
  write(path: string, contents: AsyncIterable<Uint8Array>, options?: WriteOptions): Promise<FileInfo>;
  /** True when something was there. */
  remove(path: string, options?: { recursive?: boolean }): Promise<boolean>;
  /** Names in a directory, sorted. Throws NotFoundError. */
  list(path: string): Promise<readonly string[]>;
}
