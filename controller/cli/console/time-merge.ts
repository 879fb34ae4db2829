/** Merges streams of lines in time order. History is merged strictly; a live stream with nothing to say holds up nobody. */
import type { ConsoleText } from "./console-lines.js";

interface Source {
  readonly waiting: ConsoleText[];
  /** False while the source still tells its history: nothing newer may pass it. */
  live: boolean;
}

export class TimeMerge {
  readonly #sources: Source[] = [];

  /** A new source; the number names it. */
  add(): number {
    return this.#sources.push({ waiting: [], live: false }) - 1;
  }

  push(source: number, text: ConsoleText): void {
    this.#sources[source]?.waiting.push(text);
  }

  /** The source has told its history, or has ended. */
  markLive(source: number): void {
    const each = this.#sources[source];
    if (each !== undefined) each.live = true;
  }

  /** How much waits in one source: the reader holds it back beyond a bound. */
  waiting(source: number): number {
    return this.#sources[source]?.waiting.length ?? 0;
  }

  /** All lines whose turn has come. */
  take(): ConsoleText[] {
    const taken: ConsoleText[] = [];
    for (;;) {
      if (this.#sources.some((each) => !each.live && each.waiting.length === 0)) return taken;
      let first: Source | undefined;
      for (const each of this.#sources) {
        const head = each.waiting[0];
        if (head !== undefined && (first?.waiting[0] === undefined || head.timeMs < first.waiting[0].timeMs)) first = each;
      }
      const next = first?.waiting.shift();
      if (next === undefined) return taken;
      taken.push(next);
    }
  }
}
