/** The kernel's ring of messages: what `dmesg` prints, and what goes to the serial console while the machine boots. */

const capacityLines = 4000;

export class KernelLog {
  readonly #lines: string[] = [];
  readonly #uptimeMs: () => number;

  /** `uptimeMs`: real-machine milliseconds since the kernel started. */
  constructor(uptimeMs: () => number) {
    this.#uptimeMs = uptimeMs;
  }

  /** Adds one line and returns it as stored, with its time: `[    4.731180] text`. */
  add(text: string, atMs = this.#uptimeMs()): string {
    const [seconds = "0", micros = ""] = (atMs / 1000).toFixed(6).split(".");
    const line = `[${seconds.padStart(5)}.${micros}] ${text}`;
    this.#lines.push(line);
    if (this.#lines.length > capacityLines) this.#lines.shift();
    return line;
  }

  /** All lines, each with its newline. */
  text(): string {
    return this.#lines.map((line) => `${line}\n`).join("");
  }
}
