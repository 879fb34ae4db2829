/** Writing into what is there: a serial device, a FIFO, a file of /proc. None of them may hold up the agent. */
import { createHash } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import type { WriteOptions } from "../../ports/files.js";
import { sleep, type Clock } from "../../../proto/base/clock.js";
import { DeadlineError, ExhaustedError } from "../../../proto/base/errors.js";
import { errnoOf } from "../file-errors.js";
import { requireDigest } from "./digest.js";

/** A device takes a marker or a setting, never an image. */
const maxBytes = 4 * 1024 * 1024;
/** How long a device may take nothing at all: a serial line stopped by flow control, a FIFO without a reader. */
const stallMs = 10_000;
const retryMs = 20;

/**
 * Writes `contents` into the existing thing at `hostPath`; a regular file is cut to them. `path` names it in errors.
 * Throws DeadlineError when it takes nothing for 10 s, ExhaustedError for more than 4 MiB, else the operating system's error.
 */
export async function writeInPlace(
  hostPath: string,
  path: string,
  contents: AsyncIterable<Uint8Array>,
  options: WriteOptions,
  clock: Clock,
): Promise<Stats> {
  // Everything is here before the first byte goes out: a wrong digest must write nothing.
  const data = await collect(path, contents);
  requireDigest(path, createHash("sha256").update(data).digest("hex"), options.sha256);
  const handle = await openForWriting(hostPath, path, clock);
  try {
    if ((await handle.stat()).isFile()) await handle.truncate(0);
    await writeAll(handle, data, path, clock);
    return await handle.stat();
  } finally {
    await handle.close();
  }
}

async function collect(path: string, contents: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of contents) {
    total += chunk.length;
    if (total > maxBytes) throw new ExhaustedError(`${path}: write in place: more than ${maxBytes} bytes`, { facts: { path } });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** A FIFO opened for writing without a reader says ENXIO: somebody may be about to open it. */
function openForWriting(hostPath: string, path: string, clock: Clock): Promise<FileHandle> {
  const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
  return untilTaken(clock, "ENXIO", () => open(hostPath, flags), { subject: path, awaited: "a reader at the other end" });
}

async function writeAll(handle: FileHandle, data: Buffer, path: string, clock: Clock): Promise<void> {
  for (let written = 0; written < data.length; ) {
    const position = written;
    const awaited = `the device to take bytes; it took ${position} of ${data.length}`;
    const result = await untilTaken(clock, "EAGAIN", () => handle.write(data, position), { subject: path, awaited });
    written += result.bytesWritten;
  }
}

async function untilTaken<T>(
  clock: Clock,
  errno: string,
  attempt: () => Promise<T>,
  wait: { subject: string; awaited: string },
): Promise<T> {
  const began = clock.monotonicMs();
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (errnoOf(error) !== errno) throw error;
      const waitedMs = clock.monotonicMs() - began;
      if (waitedMs >= stallMs) throw new DeadlineError({ ...wait, waitedMs, lastSeen: errno }, { cause: error });
    }
    await sleep(clock, retryMs);
  }
}
