/** Watches consoles for lines that say a system has failed, whatever step runs meanwhile. */
import type { Logger } from "../../proto/base/logger.js";
import type { Nodes } from "../ports.js";
import { seenLine } from "./console-evidence.js";
import { consoleLines } from "./console-lines.js";
import { matchCrash, matchFailure } from "./crash.js";
import type { SeenLine } from "./lines.js";
import type { FailureLine } from "./recipe.js";
import type { RunState } from "./run-state.js";
import { StepFailedError } from "./step-failure.js";

export interface CrashWatchOptions {
  readonly nodes: Nodes;
  readonly logger: Logger;
  readonly failureLines: readonly FailureLine[];
  /** Called once per watched node at most. */
  readonly onCrash: (node: string, error: StepFailedError) => void;
}

export class CrashWatch {
  readonly #options: CrashWatchOptions;
  readonly #watched = new Map<string, AbortController>();

  constructor(options: CrashWatchOptions) {
    this.#options = options;
  }

  /** Watches exactly the nodes the run's state says, each from the offset it says. */
  follow(watches: RunState["watches"]): void {
    for (const [node, stop] of this.#watched) {
      if (watches[node] !== undefined) continue;
      this.#watched.delete(node);
      stop.abort();
    }
    for (const [node, { from }] of Object.entries(watches)) {
      if (this.#watched.has(node)) continue;
      const stop = new AbortController();
      this.#watched.set(node, stop);
      void this.#watch(node, from, stop.signal);
    }
  }

  close(): void {
    this.follow({});
  }

  async #watch(name: string, from: bigint, signal: AbortSignal): Promise<void> {
    const { nodes, logger, onCrash } = this.#options;
    try {
      const feed = nodes.node(name).console;
      if (feed === undefined) return;
      for await (const item of consoleLines(feed, from, { signal })) {
        const meaning = item.kind === "line" ? this.#meaningOf(item.line) : undefined;
        if (item.kind !== "line" || meaning === undefined || signal.aborted) continue;
        onCrash(name, crashed(name, item.line, meaning));
        return;
      }
    } catch (error) {
      if (!signal.aborted) logger.error({ err: error, node: name }, "the console cannot be watched for crashes any more");
    }
  }

  #meaningOf(line: SeenLine): string | undefined {
    const crash = matchCrash(line);
    const failure = matchFailure(line, this.#options.failureLines);
    // What the recipe knows of its system says more than what every kernel shares.
    return failure?.meaning ?? (crash?.fatal === true ? crash.meaning : undefined);
  }
}

function crashed(node: string, line: SeenLine, meaning: string): StepFailedError {
  return new StepFailedError({
    summary: `${node}: ${line.printable.trim()}`,
    blame: "system",
    cause: meaning,
    evidence: [seenLine("the line that says so", line)],
  });
}
