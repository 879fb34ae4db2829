/** A serial line as it arrives somewhere: SOL, a device, a socket, a file. Drivers never interpret what they carry. */

/** Why bytes are missing from a line. "discarded": the driver or device dropped them for its own reasons, told in the detail. */
export type LossCause = "overrun" | "stolen" | "line-down" | "discarded";

export type LineEvent =
  /** Bytes as they came, with the wall time of their receipt in ms since the Unix epoch. */
  | { readonly kind: "bytes"; readonly data: Uint8Array; readonly receivedMs: number }
  /** Bytes that were on the line and did not come, at this point of the stream. */
  | { readonly kind: "loss"; readonly cause: LossCause; readonly detail: string; readonly lostBytes?: number };

/** An open line. Ends, or throws with the reason, when it goes down; opening it again is the capture's business. */
export interface ConsoleLine {
  /**
   * Tells what comes, in order, each once and as soon as it is there, until the line ends: then resolves, or throws with the reason.
   * One reader, called once; `tell` takes what it is told at once and does not throw. A wait for each event costs more than all else
   * a reader does with a packet (5 of 50 µs, Node 20).
   */
  read(tell: (event: LineEvent) => void): Promise<void>;
  /** Sends bytes; resolves when the far end has accepted them all. Throws UnreachableError when the line goes down first. */
  write(data: Uint8Array, options?: { signal?: AbortSignal | undefined }): Promise<void>;
  /** Sends a BREAK. Throws UnsupportedError where the line cannot. */
  sendBreak(durationMs: number): Promise<void>;
  /** Lets go of the line. Idempotent; never throws. */
  close(): Promise<void>;
}

export interface ConsoleSource {
  /** "sol", "tty", "tcp", "telnet", "unix", "file". */
  readonly kind: string;
  /** For messages: "sol 10.0.1.10". */
  readonly label: string;
  /** Opens the line. Throws UnreachableError, AuthenticationError, ConflictError (held by somebody else), UnsupportedError. */
  open(options?: { signal?: AbortSignal | undefined }): Promise<ConsoleLine>;
  close(): Promise<void>;
}
