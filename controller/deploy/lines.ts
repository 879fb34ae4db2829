/**
 * Console bytes → lines, and who speaks in each.
 *
 * A serial console mixes a kernel's messages with whatever programs, firmware and boot loaders print, as bytes that need not be
 * text (LegoOS prints uninitialised bytes after program output). So lines are bytes shown as latin1, and each has an origin:
 * - "kernel": starts with a time stamp, "[ssss.uuuuuu] ", outside a STDOUT block;
 * - "program": inside a block "STDOUT: ---[" … "]---", whatever it looks like: programs can print time stamps and panics too;
 * - "other": everything else.
 * LegoOS prints a block in one go, so no true kernel line stands inside one. A block whose end is lost makes the rest "program":
 * evidence then goes missing and a deadline says so, but nothing false is proven. `breakOff` ends the block where a loss is known.
 * A program that prints "]---" and then a time stamp cannot be told from a kernel; evidence that must not be forged is a nonce.
 */
import type { LineOrigin } from "./recipe.js";

export interface SeenLine {
  /** Console offset of the line's first byte, and of the first byte after its end mark. */
  readonly offset: bigint;
  readonly endOffset: bigint;
  /** One character per byte (latin1), without the end mark. */
  readonly text: string;
  /** What patterns are matched against: `text`, for kernel lines without the time stamp. */
  readonly message: string;
  /** `text` for people and records: printable ASCII, every other byte as \t or \xNN. */
  readonly printable: string;
  /** The kernel's own clock, undefined without a time stamp. */
  readonly kernelSeconds: number | undefined;
  readonly origin: "kernel" | "program" | "other";
  /** A further part of a line longer than `maxLineBytes`. */
  readonly continuation: boolean;
}

export const maxLineBytes = 4096;

const carriageReturn = 0x0d;
const lineFeed = 0x0a;

/** Time stamp, perhaps with the caller ("[    T1]", Linux PRINTK_CALLER), perhaps behind what a reset or a boot loader left on the line. */
// oxlint-disable-next-line no-control-regex -- control characters are what a serial line starts with after a reset
const timeStamp = /^(?:\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x1f\x7f\xff])*\[ *(\d+\.\d{6})\](?:\[ *[TC]\d+\])? /;
const blockStart = /^STDOUT:\s*---\[\s*$/;
const blockEnd = "]---";

/**
 * Splits a console's bytes into lines as they come: any cutting of the same bytes into chunks gives the same lines. CR LF, LF and
 * a lone CR end a line, CRs in a row count once. A line longer than `maxLineBytes` comes in parts.
 */
export class LineSplitter {
  readonly #buffer = Buffer.alloc(maxLineBytes);
  #length = 0;
  #offset: bigint;
  /** Bytes since #offset, end mark included. */
  #consumed = 0;
  #sawReturn = false;
  #continuation = false;
  #inBlock = false;

  /** `offset`: console offset of the first byte that will be pushed. */
  constructor(offset: bigint) {
    this.#offset = offset;
  }

  /** Takes the next bytes; returns the lines they complete. A CR completes its line only when the byte after it is known. */
  push(data: Uint8Array): SeenLine[] {
    const lines: SeenLine[] = [];
    for (const byte of data) {
      if (this.#sawReturn && byte !== carriageReturn && byte !== lineFeed) lines.push(this.#take(true));
      if (byte === lineFeed) {
        this.#consumed += 1;
        lines.push(this.#take(true));
      } else if (byte === carriageReturn) {
        this.#consumed += 1;
        this.#sawReturn = true;
      } else {
        if (this.#length === maxLineBytes) lines.push(this.#take(false));
        this.#buffer[this.#length++] = byte;
        this.#consumed += 1;
      }
    }
    return lines;
  }

  /** Ends what was begun, line and STDOUT block: bytes are missing here, the machine was reset, or no more will come. */
  breakOff(): SeenLine[] {
    const lines = this.#consumed > 0 ? [this.#take(true)] : [];
    this.#continuation = false;
    this.#inBlock = false;
    return lines;
  }

  #take(ended: boolean): SeenLine {
    const text = this.#buffer.toString("latin1", 0, this.#length);
    const continuation = this.#continuation;
    const stamp = continuation ? null : timeStamp.exec(text);
    const message = stamp === null || this.#inBlock ? text : text.slice(stamp[0].length);
    const endOffset = this.#offset + BigInt(this.#consumed);
    const origin = this.#inBlock ? "program" : stamp === null ? "other" : "kernel";
    const kernelSeconds = origin === "kernel" ? Number(stamp?.[1]) : undefined;
    const line: SeenLine = {
      offset: this.#offset,
      endOffset,
      text,
      message,
      printable: printable(text),
      kernelSeconds,
      origin,
      continuation,
    };
    if (ended && !continuation) this.#frame(line);
    this.#offset = endOffset;
    this.#consumed = 0;
    this.#length = 0;
    this.#sawReturn = false;
    this.#continuation = !ended;
    return line;
  }

  #frame(line: SeenLine): void {
    if (line.origin === "kernel" && blockStart.test(line.message)) this.#inBlock = true;
    else if (line.origin === "program" && line.text === blockEnd) this.#inBlock = false;
  }
}

/** Whether a line of this origin counts where `where` is asked for. */
export function countsAs(where: LineOrigin, origin: SeenLine["origin"]): boolean {
  return where === "any" || where === origin;
}

function printable(latin1: string): string {
  return latin1.replace(/[^\x20-\x7e]/g, (character) =>
    character === "\t" ? "\\t" : `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}
