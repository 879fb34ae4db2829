/** The Files port over a shell on another machine. */
import { createHash, randomBytes } from "node:crypto";
import { posix } from "node:path";
import type { FileInfo, Files, WriteOptions } from "../../ports/files.js";
import type { Clock } from "../../../proto/base/clock.js";
import { ExhaustedError, FailedError, LabError, NotFoundError, PermissionError } from "../../../proto/base/errors.js";
import { ask, defaultSilenceMs, talk } from "../shell/conversation.js";
import type { Shell } from "../shell/shell.js";
import { remoteFileError } from "./file-errors.js";
import {
  abandonScript,
  commitScript,
  listScript,
  readScript,
  removeScript,
  statScript,
  uploadScript,
  writeInPlaceScript,
} from "./file-scripts.js";

/** Hashing an image, or removing a tree, says nothing until it is done. */
const longSilenceMs = 600_000;
/** How long a device may take nothing at all. */
const stallMs = 10_000;
/** A device takes a marker or a setting, never an image. */
const maxInPlaceBytes = 4 * 1024 * 1024;

export class SshFiles implements Files {
  readonly #shell: Shell;
  readonly #clock: Clock;

  constructor(options: { shell: Shell; clock: Clock }) {
    this.#shell = options.shell;
    this.#clock = options.clock;
  }

  async stat(path: string, options?: { wantSha256?: boolean }): Promise<FileInfo | undefined> {
    try {
      return describe(await this.#ask("stat", path, statScript(path, options?.wantSha256 ?? false)));
    } catch (error) {
      // A path below something that is no directory names nothing either.
      if (error instanceof NotFoundError || (error instanceof LabError && /Not a directory/.test(error.message))) return undefined;
      throw error;
    }
  }

  async *read(path: string, range?: { offset?: number; limit?: number }): AsyncIterable<Uint8Array> {
    if (range?.limit === 0) return;
    const script = readScript(path, range?.offset ?? 0, range?.limit);
    const { code, stderr } = yield* talk(this.#shell, this.#clock, script, { awaited: `bytes of ${path}` });
    // Of a pipeline only the last program's exit code is told.
    if (code !== 0 || stderr !== "") throw remoteFileError("read", path, stderr, code);
  }

  async write(path: string, contents: AsyncIterable<Uint8Array>, options: WriteOptions = {}): Promise<FileInfo> {
    if (options.inPlace === true) return this.#writeInPlace(path, contents, options);
    const nonce = randomBytes(6).toString("hex");
    try {
      const sent = createHash("sha256");
      const upload = uploadScript(path, nonce);
      const output = await this.#ask("write", path, upload, { input: hashing(contents, sent), silenceMs: longSilenceMs });
      const sha256 = sent.digest("hex");
      const stored = output.toString().slice(0, 64);
      // A connection that breaks looks to the other side like the end of the contents.
      if (stored !== sha256)
        throw new FailedError(`${path}: write: what was stored has SHA-256 ${stored}, ${sha256} was sent; nothing was written`);
      requireDigest(path, sha256, options.sha256);
      return { ...describe(await this.#ask("write", path, commitScript(path, nonce, options.mode ?? 0o644))), sha256 };
    } catch (error) {
      await this.#ask("write", path, abandonScript(path, nonce)).catch(() => undefined);
      throw error;
    }
  }

  async remove(path: string, options?: { recursive?: boolean }): Promise<boolean> {
    if (path.startsWith("/") && posix.normalize(path) === "/") {
      throw new PermissionError(`${path}: remove: is the machine's root directory`, { facts: { path } });
    }
    const output = await this.#ask("remove", path, removeScript(path, options?.recursive ?? false), { silenceMs: longSilenceMs });
    return output.length > 0;
  }

  async list(path: string): Promise<readonly string[]> {
    const output = await this.#ask("list", path, listScript(path));
    return output.toString().split("\0").slice(0, -1).sort();
  }

  async #writeInPlace(path: string, contents: AsyncIterable<Uint8Array>, options: WriteOptions): Promise<FileInfo> {
    // Everything is here before the first byte goes out: a wrong digest must write nothing.
    const data = await collect(path, contents);
    requireDigest(path, createHash("sha256").update(data).digest("hex"), options.sha256);
    return describe(await this.#ask("write in place", path, writeInPlaceScript(path), { input: data, silenceMs: stallMs }));
  }

  async #ask(
    action: string,
    path: string,
    script: string,
    more: { input?: AsyncIterable<Uint8Array> | Uint8Array; silenceMs?: number } = {},
  ): Promise<Buffer> {
    const options = { awaited: `${path}: ${action}`, silenceMs: defaultSilenceMs, ...more };
    const { code, stdout, stderr } = await ask(this.#shell, this.#clock, script, options);
    if (code !== 0) throw remoteFileError(action, path, stderr, code);
    return stdout;
  }
}

async function* hashing(contents: AsyncIterable<Uint8Array>, hash: ReturnType<typeof createHash>): AsyncIterable<Uint8Array> {
  for await (const chunk of contents) {
    hash.update(chunk);
    yield chunk;
  }
}

async function collect(path: string, contents: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of contents) {
    total += chunk.length;
    if (total > maxInPlaceBytes)
      throw new ExhaustedError(`${path}: write in place: more than ${maxInPlaceBytes} bytes`, { facts: { path } });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function requireDigest(path: string, sha256: string, wanted: string | undefined): void {
  if (wanted === undefined || wanted === "" || wanted === sha256) return;
  throw new FailedError(`${path}: write: contents have SHA-256 ${sha256}, expected ${wanted}; nothing was written, send them again`, {
    facts: { path, sha256, wanted },
  });
}

const kinds: Readonly<Record<number, FileInfo["kind"]>> = { 0x8: "file", 0x4: "directory", 0xa: "link", 0x2: "device", 0x6: "device" };

/** "81a4 12 1700000000", and a digest on the next line when there is one. */
function describe(output: Buffer): FileInfo {
  const [line = "", digest = ""] = output.toString().split("\n");
  const [mode = "", size = "", seconds = ""] = line.split(" ");
  const bits = Number.parseInt(mode, 16);
  const kind = kinds[bits >> 12] ?? "other";
  const info: FileInfo = { kind, sizeBytes: Number(size), mode: bits & 0o7777, modifiedMs: Number(seconds) * 1000 };
  return digest === "" ? info : { ...info, sha256: digest.slice(0, 64) };
}
