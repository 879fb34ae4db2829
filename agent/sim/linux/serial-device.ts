/**
 * /dev/ttyS* of a simulated Linux: a FIFO below its root directory. What a process of the node writes there leaves through the machine's
 * serial port. Reading works for nobody: a FIFO has one direction, and bytes that come in belong to the login prompt.
 */
import { execFile } from "node:child_process";
import { constants, openSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { Socket } from "node:net";
import { dirname } from "node:path";
import { promisify } from "node:util";

export interface SerialDevice {
  /** Removes the FIFO. Idempotent. */
  close(): Promise<void>;
}

/** Makes the FIFO at `path` (replacing what is there) and hands on what is written to it. */
export async function openSerialDevice(path: string, transmit: (data: Uint8Array) => void): Promise<SerialDevice> {
  await mkdir(dirname(path), { recursive: true });
  await rm(path, { force: true });
  await promisify(execFile)("mkfifo", ["-m", "0622", path]);
  // Opened for both directions: no waiting for the first writer, no end of file after the last.
  const pipe = new Socket({ fd: openSync(path, constants.O_RDWR | constants.O_NONBLOCK), readable: true, writable: false });
  pipe.on("data", transmit);
  pipe.on("error", () => undefined);
  return {
    async close() {
      pipe.destroy();
      await rm(path, { force: true });
    },
  };
}
