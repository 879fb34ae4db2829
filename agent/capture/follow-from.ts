/** Where a follower begins, as it may be asked for, and the offset that is. */
import { open } from "node:fs/promises";
import { InvalidArgumentError, NotFoundError } from "../../proto/base/errors.js";
import type { ConsoleLog } from "./console-log.js";
import { readTimes } from "./log-reader.js";
import { type Segment, segmentPath } from "./segments.js";

export type FollowFrom =
  | { readonly offset: number }
  /** At the first byte captured at or after this time; up to 50 ms earlier, never later. */
  | { readonly timeMs: number }
  /** Positive: that epoch. Negative: counted from the newest, -1 is the current one. */
  | { readonly boot: number }
  | { readonly end: true }
  /** This many lines before the end. */
  | { readonly lines: number };

/** Throws NotFoundError for a boot that is not known, InvalidArgumentError for an offset the line has not reached. */
export function startOffset(log: ConsoleLog, from: FollowFrom): number | Promise<number> {
  if ("offset" in from) return reached(log, from.offset);
  if ("boot" in from) return offsetOfBoot(log, from.boot);
  if ("timeMs" in from) return offsetSince(log, from.timeMs);
  if ("lines" in from) return offsetOfLastLines(log, from.lines);
  return log.end;
}

function reached(log: ConsoleLog, offset: number): number {
  if (Number.isSafeInteger(offset) && offset >= 0 && offset <= log.end) return offset;
  throw new InvalidArgumentError(`console log: offset ${offset} was never reached; the log ends at ${log.end}`);
}

function offsetOfBoot(log: ConsoleLog, number: number): number {
  const boots = log.boots;
  const boot = number < 0 ? boots.at(number) : boots.find(({ epoch }) => epoch === number);
  if (boot !== undefined) return boot.offset;
  const known = boots.length === 0 ? "no boot was seen yet" : `known boots are ${boots[0]?.epoch} to ${boots.at(-1)?.epoch}`;
  throw new NotFoundError(`console log: no boot ${number}; ${known}`);
}

/** Newest segment first: people ask for what was just now. */
async function offsetSince(log: ConsoleLog, timeMs: number): Promise<number> {
  let found = log.end;
  for (const segment of [...log.segments.all].reverse()) {
    const times = await readTimes(log.directory, segment);
    found = times.since(timeMs) ?? found;
    if (found > segment.first) break;
  }
  return found;
}

/** The offset after the `lines`-th newline from the end, not counting one that is the last byte. */
async function offsetOfLastLines(log: ConsoleLog, lines: number): Promise<number> {
  const end = log.end;
  if (lines <= 0) return end;
  let wanted = lines;
  for (const segment of [...log.segments.all].reverse()) {
    for await (const { offset, block } of blocksBackward(log, segment, end)) {
      for (let at = block.lastIndexOf(newline); at >= 0; at = at === 0 ? -1 : block.lastIndexOf(newline, at - 1)) {
        if (offset + at + 1 === end) continue;
        wanted -= 1;
        if (wanted === 0) return offset + at + 1;
      }
    }
  }
  return log.first;
}

const newline = 0x0a;
const blockBytes = 64 * 1024;

async function* blocksBackward(log: ConsoleLog, segment: Segment, end: number): AsyncGenerator<{ offset: number; block: Buffer }> {
  const file = await open(segmentPath(log.directory, segment.first, "log"), "r");
  try {
    for (let stop = Math.min(end, segment.end); stop > segment.first; ) {
      const offset = Math.max(segment.first, stop - blockBytes);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(stop - offset), 0, stop - offset, offset - segment.first);
      yield { offset, block: buffer.subarray(0, bytesRead) };
      stop = offset;
    }
  } finally {
    await file.close();
  }
}
