/** One line that is drawn again and again below what is printed, where a person looks; nothing where nobody does. */
import { foldNames } from "../../../inventory/nodeset.js";
import type { Timer } from "../../../proto/base/clock.js";
import type { Context } from "../context.js";
import { fit } from "../terminal.js";
import { duration } from "../units.js";

const frameMs = 500;
/** Below this many the missing ones are named. */
const namedBelow = 6;

/** "cycle 64 nodes: 12 done, 1 failed, 51 under way or waiting · 41 s". */
export function progressWords(what: string, total: number, open: readonly string[], failed: number, elapsedMs: number): string {
  const done = total - open.length - failed;
  const rest = open.length < namedBelow ? `waiting for ${foldNames(open)}` : `${open.length} under way or waiting`;
  const parts = [`${done} done`, failed > 0 && `${failed} failed`, open.length > 0 && rest];
  return `${what} ${total} nodes: ${parts.filter(Boolean).join(", ")} · ${duration(elapsedMs)}`;
}

export class ProgressLine {
  readonly #context: Context;
  readonly #what: string;
  readonly #total: number;
  readonly #open: Set<string>;
  readonly #beganMs: number;
  readonly #shown: boolean;
  #failed = 0;
  #timer: Timer | undefined;

  constructor(context: Context, what: string, nodes: readonly string[]) {
    this.#context = context;
    this.#what = what;
    this.#total = nodes.length;
    this.#open = new Set(nodes);
    this.#beganMs = context.clock.monotonicMs();
    this.#shown = context.terminal.interactive && !context.json && nodes.length > 1;
    if (this.#shown) this.#tick();
  }

  /** This node has answered. */
  tell(node: string, how: "done" | "failed"): void {
    this.#open.delete(node);
    if (how === "failed") this.#failed += 1;
  }

  /** A line that stays, above this one. */
  note(line: string): void {
    this.#clear();
    this.#context.terminal.note(line);
    if (this.#shown) this.#draw();
  }

  close(): void {
    this.#timer?.cancel();
    this.#clear();
  }

  #tick(): void {
    this.#draw();
    this.#timer = this.#context.clock.after(frameMs, () => this.#tick());
  }

  #draw(): void {
    const { terminal, clock } = this.#context;
    const words = progressWords(this.#what, this.#total, [...this.#open], this.#failed, clock.monotonicMs() - this.#beganMs);
    terminal.write(`\r\u001b[2K${fit(words, Math.max(20, terminal.columns - 1))}`);
  }

  #clear(): void {
    if (this.#shown) this.#context.terminal.write("\r\u001b[2K");
  }
}
