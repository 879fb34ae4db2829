/** One output stream of a job: told line by line as it comes, its end kept. */
import { StringDecoder } from "node:string_decoder";

/** What a CommandResult keeps of each stream. */
const keptBytes = 1024 * 1024;
/** A longer line, such as a bar of dots that only grows, is told in parts. */
const longestLine = 64 * 1024;

export class OutputTail {
  readonly #onLine: ((line: string) => void) | undefined;
  readonly #decoder = new StringDecoder("utf8");
  #chunks: Uint8Array[] = [];
  #size = 0;
  #line = "";
  /** Offset of the next byte: where following goes on after a break. */
  offset = 0n;

  constructor(onLine?: (line: string) => void) {
    this.#onLine = onLine;
  }

  append(data: Uint8Array): void {
    this.offset += BigInt(data.length);
    this.#chunks.push(data);
    this.#size += data.length;
    // Trimmed in large steps, so that long output is not copied over and over.
    if (this.#size > 2 * keptBytes) this.#keepTail();
    this.#tellLines(this.#decoder.write(Buffer.from(data)));
  }

  /** Tells the last line when it had no end. */
  finish(): void {
    this.#tellLines(this.#decoder.end());
    if (this.#line !== "") this.#onLine?.(this.#line);
    this.#line = "";
  }

  /** At most the last 1 MiB. */
  text(): string {
    this.#keepTail();
    return Buffer.concat(this.#chunks).toString("utf8");
  }

  #keepTail(): void {
    const tail = Buffer.concat(this.#chunks).subarray(-keptBytes);
    this.#chunks = [tail];
    this.#size = tail.length;
  }

  #tellLines(text: string): void {
    if (this.#onLine === undefined) return;
    const lines = (this.#line + text).split("\n");
    this.#line = lines.pop() ?? "";
    for (const line of lines) this.#onLine(line.endsWith("\r") ? line.slice(0, -1) : line);
    if (this.#line.length >= longestLine) {
      this.#onLine(this.#line);
      this.#line = "";
    }
  }
}
