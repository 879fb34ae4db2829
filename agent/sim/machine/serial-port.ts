/** A serial port of a machine: software writes and reads on one side, whatever is plugged in on the other. Nothing is kept for later. */

export type BytesListener = (data: Uint8Array) => void;

export class SerialPort {
  readonly #outside = new Set<BytesListener>();
  #inside: BytesListener | undefined;

  /** The machine sends. Everybody who is plugged in gets it; nobody there, nobody knows. */
  transmit(data: Uint8Array): void {
    for (const listener of this.#outside) listener(data);
  }

  /** Software on the machine reads the port; the next reader replaces it. Returns the way to stop. */
  onReceive(listener: BytesListener): () => void {
    this.#inside = listener;
    return () => {
      if (this.#inside === listener) this.#inside = undefined;
    };
  }

  /** Whether anything outside listens. */
  get pluggedIn(): boolean {
    return this.#outside.size > 0;
  }

  /** Something outside listens. Returns the way to unplug it. */
  plugIn(listener: BytesListener): () => void {
    this.#outside.add(listener);
    return () => void this.#outside.delete(listener);
  }

  /** Something outside sends to the machine. */
  send(data: Uint8Array): void {
    this.#inside?.(data);
  }
}
