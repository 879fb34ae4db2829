/**
 * One watcher of all consoles: the state of every line, then what changes; gaps and boots as they come; no bytes. Like a follower it
 * is a cursor and nothing else, so a slow one costs nobody anything: it is told the newest state, and every gap and boot later.
 */
import type { Capture, LineState } from "./capture.js";
import type { Captures } from "./captures.js";
import type { Boot, Gap } from "./events.js";

export interface Line {
  readonly kind: "line";
  readonly state: LineState;
  /** Why it is not up, "" when it is. */
  readonly reason: string;
}

export interface ConsoleNotice {
  readonly node: string;
  readonly notice: Line | Gap | Boot;
}

/** How far the watcher has come with one console. */
interface Cursor {
  readonly capture: Capture;
  /** As it was told last. */
  line: Line | undefined;
  /** Of the next gap or boot to tell. */
  sequence: number;
}

/** Gaps and boots from now on: what was before is in the logs. Ends when the captures are closed. Throws CancelledError. */
export async function* watchConsoles(
  captures: Captures,
  options?: { signal?: AbortSignal | undefined },
): AsyncGenerator<ConsoleNotice, void, undefined> {
  const cursors = new Map<string, Cursor>();
  for (;;) {
    let quiet = true;
    for (const notice of newsOf(captures, cursors)) {
      quiet = false;
      yield notice;
    }
    if (!quiet) continue; // Something may have happened while the watcher took its time.
    if (captures.news.closed) return;
    await captures.news.next(options);
  }
}

function* newsOf(captures: Captures, cursors: Map<string, Cursor>): Generator<ConsoleNotice, void, undefined> {
  for (const [node, { capture }] of cursors) {
    if (captures.find(node) === capture) continue;
    cursors.delete(node);
    yield { node, notice: { kind: "line", state: "down", reason: "no longer captured by this site agent" } };
  }
  for (const capture of captures.list()) {
    const { node, log } = capture;
    const cursor = cursors.get(node) ?? { capture, line: undefined, sequence: log.marks.sequenceAt(Number.POSITIVE_INFINITY) };
    cursors.set(node, cursor);
    const line = lineNews(cursor);
    if (line !== undefined) yield { node, notice: line };
    for (let due = log.marks.from(cursor.sequence); due !== undefined; due = log.marks.from(cursor.sequence)) {
      cursor.sequence = due.next;
      if (due.mark.kind !== "banner") yield { node, notice: due.mark };
    }
  }
}

function lineNews(cursor: Cursor): Line | undefined {
  const { state, reason } = cursor.capture.status;
  const told = cursor.line;
  // A line that is down is tried again and again: until one try succeeds, it is down.
  if (told !== undefined && (state === "connecting" || (state === told.state && reason === told.reason))) return undefined;
  cursor.line = { kind: "line", state, reason };
  return cursor.line;
}
