/** Console events of one node → lines for a person. Pure but for the clock reading it is given; nothing here is ever stored. */
import type { ConsoleEvent, ConsoleSite } from "../../../proto/gen/lab/v1/console.js";

export interface ConsoleText {
  readonly node: string;
  readonly timeMs: number;
  /** Offset of the first byte; for a mark, that of the next byte after it. */
  readonly offset: bigint;
  readonly kind: "line" | "gap" | "boot" | "site";
  readonly text: string;
}

/** Assembles lines. A line's time is that of its first byte. */
export class ConsoleLines {
  readonly #node: string;
  #rest = Buffer.alloc(0);
  #restTimeMs = 0;
  #restOffset = 0n;
  /** Offset of the next byte to come, as far as is known. */
  #nextOffset = 0n;

  constructor(node: string) {
    this.#node = node;
  }

  get hasRest(): boolean {
    return this.#rest.length > 0;
  }

  push(event: ConsoleEvent): ConsoleText[] {
    switch (event.event?.$case) {
      case "data":
        return this.#data(event.event.value.data, event.event.value.offset, Number(event.event.value.timeMs));
      case "gap": {
        const gap = event.event.value;
        this.#nextOffset = gap.offset;
        const lost = gap.lostBytes === 0n ? "bytes may be lost" : `${gap.lostBytes} bytes lost`;
        return [
          ...this.flush(),
          this.#mark("gap", gap.offset, Number(gap.fromMs), `gap: ${lost}, ${gap.cause}${gap.detail === "" ? "" : `: ${gap.detail}`}`),
        ];
      }
      case "boot": {
        const boot = event.event.value;
        return [...this.flush(), this.#mark("boot", boot.offset, Number(boot.timeMs), `boot ${boot.epoch}: ${boot.cause}: ${boot.detail}`)];
      }
      case "site": {
        const site = event.event.value;
        return [...this.flush(), this.#mark("site", this.#nextOffset, Number(site.timeMs), siteText(site))];
      }
      case "live":
        this.#nextOffset = event.event.value.offset;
        return [];
      case undefined:
        return [];
    }
  }

  /** What stands on the line so far, as a line. */
  flush(): ConsoleText[] {
    if (this.#rest.length === 0) return [];
    const line = this.#line(this.#rest);
    this.#rest = Buffer.alloc(0);
    return [line];
  }

  #data(data: Uint8Array, offset: bigint, timeMs: number): ConsoleText[] {
    if (this.#rest.length === 0) {
      this.#restOffset = offset;
      this.#restTimeMs = timeMs;
    }
    this.#nextOffset = offset + BigInt(data.length);
    let bytes = Buffer.concat([this.#rest, data]);
    const lines: ConsoleText[] = [];
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10)) {
      lines.push(this.#line(bytes.subarray(0, end)));
      this.#restOffset += BigInt(end + 1);
      this.#restTimeMs = timeMs;
      bytes = bytes.subarray(end + 1);
    }
    this.#rest = bytes;
    return lines;
  }

  #line(bytes: Uint8Array): ConsoleText {
    return { node: this.#node, timeMs: this.#restTimeMs, offset: this.#restOffset, kind: "line", text: printable(bytes) };
  }

  #mark(kind: "gap" | "boot" | "site", offset: bigint, timeMs: number, text: string): ConsoleText {
    return { node: this.#node, timeMs, offset, kind, text };
  }
}

/** Why nothing comes, or that it does again. */
export function siteText({ agent, connected }: ConsoleSite): string {
  return `site agent ${agent} is ${connected ? "back" : "away; waiting"}`;
}

const csi = new RegExp(String.raw`\u001b(?:\[[0-9;?]*[ -/]*[@-~]|[@-Z\\^_]|\][^\u0007]*\u0007)`, "g");

/** Safe on a terminal: UTF-8 where it is, escape sequences dropped, other control and stray bytes as \xNN, tabs kept. */
export function printable(bytes: Uint8Array): string {
  const text = new TextDecoder("utf-8", { fatal: false }).decode(bytes);
  const decoded = text.includes("\ufffd")
    ? Buffer.from(bytes)
        .toString("latin1")
        .replace(/[\u0080-\u00ff]/g, escapeByte)
    : text;
  return decoded.replace(/\r+$/, "").replace(csi, "").replace(new RegExp(String.raw`[\u0000-\u0008\u000a-\u001f\u007f]`, "g"), escapeByte);
}

function escapeByte(char: string): string {
  return char === "\r" ? "" : `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
}
