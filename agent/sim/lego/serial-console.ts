/** A LegoOS kernel's only voice: printk on the serial port it was built for. Console arguments on the command line mean nothing to it. */
import type { Hardware } from "../kernel.js";

/** The least time between two messages, so that no two carry the same time stamp. */
const messageUs = 130;

export class SerialConsole {
  readonly #hardware: Hardware;
  readonly #line: string | undefined;
  readonly #startedMs: number;
  #clockRuns = false;
  #lastUs = 0;

  /** `config` without CONFIG_: the port is a compile-time choice; none when TTY_SERIAL is off. */
  constructor(hardware: Hardware, config: Readonly<Record<string, string>>) {
    this.#hardware = hardware;
    this.#startedMs = hardware.time.clock.monotonicMs();
    if (config["TTY_SERIAL"] === "y") this.#line = config["TTY_SERIAL_TTYS0"] === "y" ? "ttyS0" : "ttyS1";
  }

  /** From here on messages carry the time; before, the clock is not calibrated and all carry zero (facts: LegoOS §6). */
  startClock(): void {
    this.#clockRuns = true;
  }

  /** One message. Only its first line carries a time stamp, as in the kernel. `tail` follows the text as raw bytes. */
  printk(text: string): void {
    this.#send(Buffer.from(`${this.#stamp()}${text}\n`, "utf8"));
  }

  /** What the kernel makes of a program's write(): the buffer is not terminated, so bytes of the one before come along. */
  programOutput(text: string, garbage: readonly number[]): void {
    this.#send(
      Buffer.concat([Buffer.from(`${this.#stamp()}STDOUT: ---[\n${text}`, "utf8"), Buffer.from(garbage), Buffer.from("\n]---\n")]),
    );
  }

  #send(message: Buffer): void {
    if (this.#line === undefined) return;
    this.#hardware.transmit(this.#line, Buffer.from(message.toString("latin1").replaceAll("\n", "\r\n"), "latin1"));
  }

  #stamp(): string {
    if (this.#clockRuns) {
      const { clock, speedUp } = this.#hardware.time;
      const nowUs = Math.round((clock.monotonicMs() - this.#startedMs) * speedUp * 1000);
      this.#lastUs = Math.max(nowUs, this.#lastUs + messageUs);
    }
    const seconds = Math.floor(this.#lastUs / 1e6);
    return `[${String(seconds).padStart(5)}.${String(this.#lastUs % 1e6).padStart(6, "0")}] `;
  }
}
