/**
 * A job on disk: one directory, written by two processes that may each die at any moment.
 *
 * ```
 * request.json     agent       what to run; the directory appears under the job's id with it inside, or not at all
 * stdin            agent       bytes for standard input
 * claim.json       whoever is first  the supervisor that runs the job, or an agent that found it never claimed: it will not start then
 * started.json     supervisor  the program's process
 * cancel.json      agent       a wish, before SIGTERM to the supervisor
 * signal.*.json    agent       a signal, before it is sent: named after the digest of its key, it is sent by nobody else ever
 * stdout, stderr   the program itself
 * result.json      supervisor, or an agent that found the supervisor gone. Ends the job.
 * supervisor.log   supervisor  what it had to say before it died of a defect
 * ```
 */
import { createHash, randomBytes } from "node:crypto";
import { link, mkdir, open, readFile, rename, stat, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Replacement, replaceFile, syncDirectory } from "../../../proto/base/durable-file.js";
import type { JobState } from "../../ports/command.js";
import { errnoOf } from "../file-errors.js";
import type { ProcessIdentity } from "./process-identity.js";

export interface StoredRequest {
  readonly id: string;
  readonly argv: readonly string[];
  /** Where argv[0] is for this process, when that is elsewhere. */
  readonly program?: string;
  /** As this process and its children see it. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly createdMs: number;
  /** Boot of the machine it was asked for: under another boot id the job is gone. */
  readonly bootId: string;
}

export interface Started extends ProcessIdentity {
  readonly startedMs: number;
}

export interface JobResult {
  readonly state: Exclude<JobState, "running">;
  readonly exitCode?: number;
  readonly signal?: string;
  readonly reason?: string;
  readonly endedMs: number;
}

export type OutputStream = "stdout" | "stderr";

/** Room kept for what must be said even when the job itself has filled the disk. */
const reservedBytes = 4096;
const chunkBytes = 64 * 1024;

export class JobDirectory {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Fills this directory, which nobody else knows yet, with a request. Throws the operating system's error. */
  async writeRequest(request: StoredRequest, stdin: Uint8Array): Promise<void> {
    await mkdir(this.path, { recursive: true, mode: 0o700 });
    await replaceFile(this.file("stdin"), stdin);
    await replaceFile(this.file("request.json"), JSON.stringify(request));
  }

  readRequest(): Promise<StoredRequest | undefined> {
    return this.#read<StoredRequest>("request.json");
  }

  /** Takes the job for one process, for ever. False when it was taken before. */
  async claim(by: ProcessIdentity): Promise<boolean> {
    const draft = this.file(`claim.${by.pid}`);
    await writeFile(draft, JSON.stringify(by), { mode: 0o600 });
    try {
      // A link appears with its contents or not at all, and only once.
      await link(draft, this.file("claim.json"));
      return true;
    } catch (error) {
      if (errnoOf(error) === "EEXIST") return false;
      throw error;
    } finally {
      await unlink(draft);
    }
  }

  readClaim(): Promise<ProcessIdentity | undefined> {
    return this.#read<ProcessIdentity>("claim.json");
  }

  readStarted(): Promise<Started | undefined> {
    return this.#read<Started>("started.json");
  }

  writeCancel(cancel: { graceMs: number }): Promise<void> {
    return replaceFile(this.file("cancel.json"), JSON.stringify(cancel));
  }

  readCancel(): Promise<{ graceMs: number } | undefined> {
    return this.#read<{ graceMs: number }>("cancel.json");
  }

  async hasSignal(key: string): Promise<boolean> {
    return (await this.#read(signalFile(key))) !== undefined;
  }

  /** Takes a signal's key for ever; on the disk when this resolves. False when it was taken before. */
  async takeSignal(key: string, signal: string): Promise<boolean> {
    const draft = this.file(`signal.${randomBytes(6).toString("hex")}`);
    await replaceFile(draft, JSON.stringify({ key, signal }));
    try {
      await link(draft, this.file(signalFile(key)));
      await syncDirectory(this.path);
      return true;
    } catch (error) {
      if (errnoOf(error) === "EEXIST") return false;
      throw error;
    } finally {
      await unlink(draft);
    }
  }

  /** Takes the room a file needs while there is some. Returns the way to write it: it then appears at once, full disk or not. */
  async reserve(name: "started.json" | "result.json"): Promise<(contents: Started | JobResult) => Promise<void>> {
    const reserve = this.file(`${name}.reserved`);
    await replaceFile(reserve, Buffer.alloc(reservedBytes, " "));
    return async (contents) => {
      const handle = await open(reserve, "r+");
      try {
        // Blanks after the end of JSON are none of its business.
        await handle.write(Buffer.from(JSON.stringify(contents)), 0, undefined, 0);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(reserve, this.file(name));
    };
  }

  writeResult(result: JobResult): Promise<void> {
    return replaceFile(this.file("result.json"), JSON.stringify(result));
  }

  readResult(): Promise<JobResult | undefined> {
    return this.#read<JobResult>("result.json");
  }

  /** The last thing the supervisor printed, "" when it had nothing to complain of. */
  async lastComplaint(): Promise<string> {
    const text = await readFile(this.file("supervisor.log"), "utf8").catch(() => "");
    return text.trim().split("\n").at(-1)?.slice(0, 500) ?? "";
  }

  async outputBytes(stream: OutputStream): Promise<number> {
    return (await stat(this.file(stream)).catch(() => undefined))?.size ?? 0;
  }

  /** What an output file holds now from `offset` on. What comes while it is read waits for the next look. */
  async *readOutput(stream: OutputStream, offset: number): AsyncGenerator<Uint8Array> {
    const end = await this.outputBytes(stream);
    if (end <= offset) return;
    const handle = await open(this.file(stream), "r");
    try {
      for (let position = offset; position < end; ) {
        const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, end - position));
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
        if (bytesRead === 0) return;
        yield buffer.subarray(0, bytesRead);
        position += bytesRead;
      }
    } finally {
      await handle.close();
    }
  }

  /** At most the last `tailBytes` of what an output file holds now. */
  async readTail(stream: OutputStream, tailBytes: number): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    const from = Math.max(0, (await this.outputBytes(stream)) - tailBytes);
    for await (const chunk of this.readOutput(stream, from)) chunks.push(chunk);
    const tail = Buffer.concat(chunks);
    return tail.subarray(Math.max(0, tail.length - tailBytes));
  }

  /** False when not another byte of output can be stored: what the program wrote last is missing. */
  async hasRoom(): Promise<boolean> {
    const probe = await Replacement.open(this.file("probe"), { mode: 0o600 }).catch(() => undefined);
    if (probe === undefined) return false;
    try {
      await probe.write(Buffer.alloc(reservedBytes, " "));
      return true;
    } catch {
      return false;
    } finally {
      await probe.abandon();
    }
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** Undefined when it has not been written. */
  async #read<T>(name: string): Promise<T | undefined> {
    try {
      return JSON.parse(await readFile(this.file(name), "utf8")) as T;
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return undefined;
      throw error;
    }
  }
}

function signalFile(key: string): string {
  return `signal.${createHash("sha256").update(key).digest("hex").slice(0, 32)}.json`;
}
