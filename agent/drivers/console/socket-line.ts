/** A console line over a connected socket: raw bytes both ways, no BREAK. */
import type { Socket } from "node:net";
import { withDeadline } from "../../../proto/base/abort.js";
import type { Clock } from "../../../proto/base/clock.js";
import { CancelledError, UnreachableError, UnsupportedError } from "../../../proto/base/errors.js";
import type { ConsoleLine, LineEvent } from "../../ports/console.js";

const connectDeadlineMs = 10_000;

export interface SocketLineOptions {
  readonly label: string;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}

/** Waits for `socket` to connect. Throws UnreachableError, DeadlineError after 10 s, CancelledError; the socket is then gone. */
export async function openSocketLine(socket: Socket, options: SocketLineOptions): Promise<ConsoleLine> {
  const { label, clock, signal } = options;
  // Failures are told where somebody waits; between waits nobody does, and an error event without a listener ends the process.
  socket.on("error", () => {});
  try {
    const wait = { subject: label, awaited: "a connection", deadlineMs: connectDeadlineMs };
    await withDeadline(clock, wait, () => connected(socket, label), { signal });
  } catch (error) {
    socket.destroy();
    if (signal?.aborted) throw CancelledError.from(signal);
    throw error;
  }
  return new SocketLine(socket, label, clock);
}

function connected(socket: Socket, label: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", (cause) => reject(new UnreachableError(`${label}: no connection; check that something listens there`, { cause })));
  });
}

class SocketLine implements ConsoleLine {
  readonly #socket: Socket;
  readonly #label: string;
  readonly #clock: Clock;
  #closed = false;

  constructor(socket: Socket, label: string, clock: Clock) {
    this.#socket = socket;
    this.#label = label;
    this.#clock = clock;
  }

  write(data: Uint8Array, options?: { signal?: AbortSignal | undefined }): Promise<void> {
    const signal = options?.signal;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(CancelledError.from(signal));
      const onAbort = () => reject(CancelledError.from(signal));
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#socket.write(data, (cause) => {
        signal?.removeEventListener("abort", onAbort);
        if (cause) reject(new UnreachableError(`${this.#label}: the connection is gone, bytes were not sent`, { cause }));
        else resolve();
      });
    });
  }

  async sendBreak(): Promise<void> {
    throw new UnsupportedError(`${this.#label}: a raw socket carries bytes only, no BREAK`);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#socket.destroy();
  }

  async read(tell: (event: LineEvent) => void): Promise<void> {
    try {
      for await (const data of this.#socket as AsyncIterable<Buffer>) tell({ kind: "bytes", data, receivedMs: this.#clock.now() });
    } catch (cause) {
      if (!this.#closed) throw new UnreachableError(`${this.#label}: the connection broke`, { cause });
    }
  }
}
