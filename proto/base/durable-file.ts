/** Files that appear at once and complete, or not at all, and are still there after a power cut. */
import { randomBytes } from "node:crypto";
import { open, rename, unlink, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** New contents for a path, written beside it under a temporary name until `commit`. Abandon or commit it, always. */
export class Replacement {
  readonly path: string;
  readonly #temporaryPath: string;
  readonly #handle: FileHandle;

  private constructor(path: string, temporaryPath: string, handle: FileHandle) {
    this.path = path;
    this.#temporaryPath = temporaryPath;
    this.#handle = handle;
  }

  /** Throws the operating system's error when nothing can be created beside `path`. */
  static async open(path: string, options: { mode: number }): Promise<Replacement> {
    const temporaryPath = join(dirname(path), `.${basename(path).slice(0, 200)}.${randomBytes(6).toString("hex")}.tmp`);
    const handle = await open(temporaryPath, "wx", options.mode);
    return new Replacement(path, temporaryPath, handle);
  }

  async write(data: Uint8Array): Promise<void> {
    for (let written = 0; written < data.length; ) {
      const { bytesWritten } = await this.#handle.write(data, written, data.length - written);
      written += bytesWritten;
    }
  }

  /** Exactly these permission bits, whatever the umask. */
  async setMode(mode: number): Promise<void> {
    await this.#handle.chmod(mode);
  }

  async setOwner(uid: number, gid: number): Promise<void> {
    await this.#handle.chown(uid, gid);
  }

  /** The contents are on the disk under their name when this resolves. */
  async commit(): Promise<void> {
    await this.#handle.sync();
    await this.#handle.close();
    await rename(this.#temporaryPath, this.path);
    await syncDirectory(dirname(this.path));
  }

  /** Leaves no trace. Never throws: it runs after something else has failed. */
  async abandon(): Promise<void> {
    await this.#handle.close().catch(() => undefined);
    await unlink(this.#temporaryPath).catch(() => undefined);
  }
}

/** Replaces the file at `path`, or creates it with permission bits `mode` (default 0600). Throws the operating system's error. */
export async function replaceFile(path: string, contents: string | Uint8Array, options?: { mode?: number }): Promise<void> {
  const mode = options?.mode ?? 0o600;
  const replacement = await Replacement.open(path, { mode });
  try {
    await replacement.write(typeof contents === "string" ? Buffer.from(contents) : contents);
    await replacement.setMode(mode);
    await replacement.commit();
  } catch (error) {
    await replacement.abandon();
    throw error;
  }
}

/** Makes names created, renamed or removed in a directory survive a power cut. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
