/**
 * One follower: history, then live, joined by offset. It is a cursor on the log and nothing else: it holds no line up, keeps no
 * backlog, and a slow one simply reads from disk later.
 */
import { CancelledError } from "../../proto/base/errors.js";
import type { ConsoleLog } from "./console-log.js";
import { type Boot, type ConsoleEvent, type Gap, maxChunkBytes } from "./events.js";
import { type FollowFrom, startOffset } from "./follow-from.js";
import { LogReader } from "./log-reader.js";

export interface FollowRequest {
  readonly from: FollowFrom;
  /** Go on with what comes. False: end after the history. */
  readonly live: boolean;
  /** Stop before this offset. */
  readonly untilOffset?: number | undefined;
}

/**
 * Tells a console's events in offset order. Bytes: each once, without a hole that is not a gap. A boot found only when its banner's
 * line was complete is told then, with the offset of the line's first byte. Ends when `live` is false and the history is told, at
 * `untilOffset`, or when the log is closed. Throws NotFoundError (no such boot), InvalidArgumentError (an offset the line has not reached)
 * and CancelledError.
 */
export async function* follow(
  log: ConsoleLog,
  request: FollowRequest,
  options?: { signal?: AbortSignal | undefined },
): AsyncGenerator<ConsoleEvent, void, undefined> {
  const untilAsked = request.untilOffset ?? Number.POSITIVE_INFINITY;
  const until = request.live ? untilAsked : Math.min(untilAsked, log.end);
  const reader = new LogReader(log);
  let live = false;
  try {
    let cursor = await startOffset(log, request.from);
    let sequence = "end" in request.from ? log.marks.endSequence : log.marks.sequenceAt(cursor);
    for (;;) {
      if (options?.signal?.aborted) throw CancelledError.from(options.signal);
      const due = log.marks.from(sequence);
      if (due !== undefined && due.mark.offset <= cursor && due.mark.offset < untilAsked) {
        sequence = due.next;
        if (due.mark.kind !== "banner") yield told(due.mark);
      } else if (cursor < Math.min(until, log.end)) {
        // Not beyond what is stored now: a gap that comes while we read must be told before the bytes behind it.
        const stop = Math.min(until, log.end, due?.mark.offset ?? until);
        const limit = Math.min(maxChunkBytes, stop - cursor);
        const chunk = await reader.read(cursor, limit);
        if (chunk !== undefined) {
          cursor += chunk.data.length;
          yield { kind: "data", ...chunk };
        } else {
          const missing = { from: cursor, to: log.segments.nextKept(cursor) };
          cursor = missing.to;
          sequence = Math.max(sequence, log.marks.sequenceAt(cursor));
          if (!isSkip(log, missing.to, sequence)) yield notKept(log, missing);
        }
      } else if (cursor >= until || log.changes.closed) {
        return;
      } else if (live) {
        await log.changes.next(options);
      } else {
        live = true;
        yield { kind: "live", offset: cursor };
      }
    }
  } finally {
    await reader.close();
  }
}

function told(mark: Gap | Boot): ConsoleEvent {
  if (mark.kind === "gap") return mark;
  const { kind, epoch, offset, cause, detail, timeMs } = mark;
  return { kind, epoch, offset, cause, detail, timeMs };
}

/** Offsets that were skipped after a power failure have a gap already, where the log went on. */
function isSkip(log: ConsoleLog, offset: number, sequence: number): boolean {
  const mark = log.marks.from(sequence)?.mark;
  return mark?.kind === "gap" && mark.cause === "agent-down" && mark.offset === offset && offset > log.first;
}

/** What stands for bytes that were stored and are not there: dropped by retention, or taken by somebody else. */
function notKept(log: ConsoleLog, { from, to }: { from: number; to: number }): Gap {
  const dropped = from < log.first;
  return {
    kind: "gap",
    offset: to,
    cause: dropped ? "retention" : "discarded",
    detail: dropped ? `offsets ${from} to ${to} are no longer kept` : `offsets ${from} to ${to} are missing from the log's files`,
    // When they went is not known, only that it is over.
    fromMs: 0,
    toMs: log.lastByteMs,
    lostBytes: to - from,
  };
}
