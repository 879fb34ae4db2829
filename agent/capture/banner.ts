/** Finds, in a stream of bytes split anywhere, the lines by which firmware, boot loaders and kernels announce themselves. */

export type BannerStage = "firmware" | "loader" | "kernel";

export interface BannerPattern {
  readonly stage: BannerStage;
  /** Matched against the first 256 bytes of a line as latin1, without terminal escapes, line noise and leading blanks. */
  readonly pattern: RegExp;
}

/**
 * Anchored at the start of the line: kernels mention BIOS versions too ("DMI: Dell Inc. …, BIOS 2.5.4"). A kernel's own time stamp
 * must be zero: later lines that quote a version are no banner.
 */
const bannerPatterns: readonly BannerPattern[] = [
  { stage: "kernel", pattern: /^(?:\[\s*0\.0+\] ?)?(?:LegoOS|Linux) version \d/ },
  { stage: "loader", pattern: /^(?:Welcome to GRUB!|GNU GRUB {1,2}version|U-Boot \d|ISOLINUX \d|PXELINUX \d)/ },
  { stage: "firmware", pattern: /^(?:SeaBIOS \(version|iPXE \d|UEFI firmware \(version|coreboot-\d|OpenSBI v\d)/ },
  {
    stage: "firmware",
    pattern: /^(?:American Megatrends|AMIBIOS|Phoenix \S*BIOS|Dell \S* ?BIOS|HPE? ProLiant System BIOS|labd simulated BIOS)/,
  },
];

export interface Banner {
  readonly stage: BannerStage;
  /** Of the first byte of its line. */
  readonly offset: number;
  readonly text: string;
}

const headBytes = 256;
const noBanners: readonly Banner[] = [];
/** Terminal escapes, control bytes, and the noise a line gives while power comes up. */
const noise = /[^\x20-\x7e]/;
const escapesAndNoise = /\x1b\[[0-9;?]*[ -/]*[@-~]|[^\x20-\x7e]/g; // oxlint-disable-line no-control-regex

/** Pure: remembers the head of the current line and nothing else. A banner is found when its line ends or its head is full. */
export class BannerDetector {
  readonly #patterns: readonly BannerPattern[];
  #head = "";
  #lineOffset = 0;
  #judged = false;

  constructor(patterns: readonly BannerPattern[] = bannerPatterns) {
    this.#patterns = patterns;
  }

  /** Bytes that begin at `offset`, right after those of the call before. Returns the banners that are now known, in order. */
  push(data: Uint8Array, offset: number): readonly Banner[] {
    // As one string: looking into it costs nothing, every question to a Buffer a call of native code.
    const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("latin1");
    let banners = noBanners;
    for (let start = 0; start < text.length; ) {
      if (this.#head === "" && !this.#judged) this.#lineOffset = offset + start;
      const end = text.indexOf("\n", start);
      const stop = end === -1 ? text.length : end;
      if (!this.#judged) {
        this.#head += text.slice(start, Math.min(stop, start + headBytes - this.#head.length));
        if (end !== -1 || this.#head.length >= headBytes) {
          const banner = this.#judge();
          if (banner !== undefined) banners = [...banners, banner];
        }
      }
      if (end !== -1) this.interrupt();
      start = stop + 1;
    }
    return banners;
  }

  /** The line broke off (bytes were lost, power was switched): what comes next begins a line. */
  interrupt(): void {
    this.#head = "";
    this.#judged = false;
  }

  #judge(): Banner | undefined {
    this.#judged = true;
    const text = plain(this.#head);
    const found = this.#patterns.find(({ pattern }) => pattern.test(text));
    return found === undefined ? undefined : { stage: found.stage, offset: this.#lineOffset, text };
  }
}

/** Nearly every line is plain but for the carriage return at its end: a test costs a third of the replacement. */
function plain(head: string): string {
  const text = head.endsWith("\r") ? head.slice(0, -1) : head;
  return (noise.test(text) ? text.replace(escapesAndNoise, "") : text).trim();
}
