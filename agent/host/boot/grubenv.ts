/**
 * GRUB's environment block: exactly 1,024 bytes, a heading, lines `name=value`, and "#" up to the end (GRUB manual §"Environment
 * block"; grub-core/lib/envblk.c). In a value a backslash stands before a backslash or a newline.
 */
import { ExhaustedError, FailedError, InvalidArgumentError } from "../../../proto/base/errors.js";

const blockBytes = 1024;
const heading = "# GRUB Environment Block\n";

interface Line {
  /** As in the block, without its newline: lines nobody changes stay as they are. */
  readonly text: string;
  /** Undefined for a comment. */
  readonly name: string | undefined;
}

export class GrubEnvironment {
  readonly #lines: readonly Line[];

  private constructor(lines: readonly Line[]) {
    this.#lines = lines;
  }

  static readonly empty = new GrubEnvironment([]);

  /** Throws FailedError for anything that is not an environment block. */
  static decode(block: Uint8Array): GrubEnvironment {
    const text = Buffer.from(block).toString("latin1");
    if (block.length !== blockBytes || !text.startsWith(heading)) {
      throw new FailedError(`grubenv: not a GRUB environment block (${block.length} bytes); make a new one with grub-editenv create`);
    }
    const body = text.slice(heading.length).replace(/#+$/, "");
    if (body !== "" && !body.endsWith("\n"))
      throw new FailedError("grubenv: the last line has no end; make a new one with grub-editenv create");
    return new GrubEnvironment(splitLines(body));
  }

  /** The value of a variable, undefined when it is not set. */
  get(name: string): string | undefined {
    const line = this.#lines.find((each) => each.name === name);
    return line === undefined ? undefined : Buffer.from(unescape(line.text.slice(name.length + 1)), "latin1").toString("utf8");
  }

  /** With a variable set in its place, or at the end when it is new. */
  with(name: string, value: string): GrubEnvironment {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new InvalidArgumentError(`grubenv: ${JSON.stringify(name)} is no variable name`);
    const line = { name, text: `${name}=${escape(Buffer.from(value, "utf8").toString("latin1"))}` };
    const known = this.#lines.some((each) => each.name === name);
    return new GrubEnvironment(known ? this.#lines.map((each) => (each.name === name ? line : each)) : [...this.#lines, line]);
  }

  /** Without a variable; the same when it is not set. */
  without(name: string): GrubEnvironment {
    return new GrubEnvironment(this.#lines.filter((each) => each.name !== name));
  }

  /** The block, 1,024 bytes. Throws ExhaustedError when the variables do not fit into it. */
  encode(): Uint8Array {
    const text = heading + this.#lines.map((line) => `${line.text}\n`).join("");
    if (text.length > blockBytes) {
      throw new ExhaustedError(
        `grubenv: ${text.length} bytes do not fit into the ${blockBytes} of the block; unset variables or use shorter names`,
      );
    }
    return Buffer.from(text.padEnd(blockBytes, "#"), "latin1");
  }
}

/** A newline ends a line unless an odd number of backslashes stands before it. */
function splitLines(body: string): Line[] {
  return (body.match(/(?:\\[\s\S]|[^\\\n])*\n/g) ?? []).map((match) => {
    const text = match.slice(0, -1);
    const equals = text.indexOf("=");
    return { text, name: text.startsWith("#") || equals < 0 ? undefined : text.slice(0, equals) };
  });
}

function escape(value: string): string {
  return value.replace(/[\\\n]/g, "\\$&");
}

function unescape(value: string): string {
  return value.replace(/\\([\s\S])/g, "$1");
}
