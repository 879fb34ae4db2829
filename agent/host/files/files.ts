/** The Files port over the file system. */
import { createHash } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { lstat, mkdir, open, readdir, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { FileInfo, Files, WriteOptions } from "../../ports/files.js";
import type { Clock } from "../../../proto/base/clock.js";
import { Replacement } from "../../../proto/base/durable-file.js";
import { InvalidArgumentError, PermissionError } from "../../../proto/base/errors.js";
import { errnoOf, fileError } from "../file-errors.js";
import type { RootDirectory } from "../root-directory.js";
import { digest, requireDigest } from "./digest.js";
import { writeInPlace } from "./in-place.js";

const chunkBytes = 64 * 1024;
const permissionBits = 0o7777;

export class HostFiles implements Files {
  readonly #root: RootDirectory;
  readonly #clock: Clock;

  constructor(options: { root: RootDirectory; clock: Clock }) {
    this.#root = options.root;
    this.#clock = options.clock;
  }

  async stat(path: string, options?: { wantSha256?: boolean }): Promise<FileInfo | undefined> {
    const hostPath = await this.#root.resolve(path, { followLast: false });
    try {
      const info = describe(await lstat(hostPath));
      if (info.kind !== "file" || options?.wantSha256 !== true) return info;
      return { ...info, sha256: await digest(readChunks(hostPath, 0, Infinity)) };
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw await fileError("stat", path, hostPath, error);
    }
  }

  async *read(path: string, range?: { offset?: number; limit?: number }): AsyncIterable<Uint8Array> {
    const hostPath = await this.#root.resolve(path);
    try {
      yield* readChunks(hostPath, range?.offset ?? 0, range?.limit ?? Infinity);
    } catch (error) {
      throw await fileError("read", path, hostPath, error);
    }
  }

  async write(path: string, contents: AsyncIterable<Uint8Array>, options: WriteOptions = {}): Promise<FileInfo> {
    const hostPath = await this.#root.resolve(path);
    try {
      if (options.inPlace) return describe(await writeInPlace(hostPath, path, contents, options, this.#clock));
      return await this.#replace(hostPath, path, contents, options);
    } catch (error) {
      throw await fileError("write", path, hostPath, error);
    }
  }

  async #replace(hostPath: string, path: string, contents: AsyncIterable<Uint8Array>, options: WriteOptions): Promise<FileInfo> {
    const existing = await stat(hostPath).catch(absentIsUndefined);
    if (existing !== undefined && !existing.isFile()) {
      throw new InvalidArgumentError(`${path}: write: is a ${describe(existing).kind}; write to it in place or choose another path`);
    }
    if (existing === undefined) await mkdir(dirname(hostPath), { recursive: true });
    const replacement = await Replacement.open(hostPath, { mode: 0o600 });
    try {
      const hash = createHash("sha256");
      for await (const chunk of contents) {
        hash.update(chunk);
        await replacement.write(chunk);
      }
      const sha256 = hash.digest("hex");
      requireDigest(path, sha256, options.sha256);
      if (existing !== undefined) await replacement.setOwner(existing.uid, existing.gid);
      // After the owner: chown clears the set-uid bits.
      await replacement.setMode(existing === undefined ? (options.mode ?? 0o644) : existing.mode & permissionBits);
      await replacement.commit();
      return { ...describe(await stat(hostPath)), sha256 };
    } catch (error) {
      await replacement.abandon();
      throw error;
    }
  }

  async remove(path: string, options?: { recursive?: boolean }): Promise<boolean> {
    const hostPath = await this.#root.resolve(path, { followLast: false });
    if (hostPath === this.#root.path) throw new PermissionError(`${path}: remove: is the machine's root directory`, { facts: { path } });
    try {
      const found = await lstat(hostPath);
      if (found.isDirectory() && options?.recursive !== true) {
        throw new InvalidArgumentError(`${path}: remove: is a directory; ask for recursive removal`, { facts: { path } });
      }
      await rm(hostPath, { recursive: found.isDirectory() });
      return true;
    } catch (error) {
      if (isAbsent(error)) return false;
      throw await fileError("remove", path, hostPath, error);
    }
  }

  async list(path: string): Promise<readonly string[]> {
    const hostPath = await this.#root.resolve(path);
    try {
      return (await readdir(hostPath)).sort();
    } catch (error) {
      throw await fileError("list", path, hostPath, error);
    }
  }
}

async function* readChunks(hostPath: string, offset: number, limit: number): AsyncGenerator<Uint8Array> {
  // Without O_NONBLOCK opening a FIFO that nobody writes would hold a thread of the pool for ever.
  const handle = await open(hostPath, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    // Files of /proc say size 0 and have contents: the end is where a read returns nothing.
    const seekable = (await handle.stat()).isFile();
    for (let position = offset, left = limit; left > 0; ) {
      const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, left));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, seekable ? position : null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
      position += bytesRead;
      left -= bytesRead;
    }
  } finally {
    await handle.close();
  }
}

function describe(found: Stats): FileInfo {
  return { kind: kindOf(found), sizeBytes: found.size, mode: found.mode & permissionBits, modifiedMs: Math.floor(found.mtimeMs) };
}

function kindOf(found: Stats): FileInfo["kind"] {
  if (found.isFile()) return "file";
  if (found.isDirectory()) return "directory";
  if (found.isSymbolicLink()) return "link";
  return found.isCharacterDevice() || found.isBlockDevice() ? "device" : "other";
}

/** A path below something that is no directory names nothing either. */
function isAbsent(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === "ENOENT" || errno === "ENOTDIR";
}

function absentIsUndefined(error: unknown): undefined {
  if (errnoOf(error) === "ENOENT") return undefined;
  throw error;
}
