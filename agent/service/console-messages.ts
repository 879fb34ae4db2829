/** Consoles in the contract's words. */
import { InvalidArgumentError } from "../../proto/base/errors.js";
import type {
  ConsoleBoot,
  ConsoleEvent as ConsoleMessage,
  ConsoleGap,
  ConsoleNotice as NoticeMessage,
  ConsoleView,
  FollowRequest as FollowMessage,
} from "../../proto/gen/lab/v1/console.js";
import type { ConsoleStatus } from "../capture/capture.js";
import type { Boot, ConsoleEvent, Gap } from "../capture/events.js";
import type { FollowRequest } from "../capture/follow.js";
import type { FollowFrom } from "../capture/follow-from.js";
import type { ConsoleNotice } from "../capture/watch.js";

export function viewMessage(status: ConsoleStatus): ConsoleView {
  return {
    ...status,
    firstOffset: BigInt(status.firstOffset),
    endOffset: BigInt(status.endOffset),
    lastByteMs: BigInt(Math.trunc(status.lastByteMs)),
  };
}

/** Throws InvalidArgumentError when nothing says where to begin. */
export function followRequest({ from, live, untilOffset }: FollowMessage): FollowRequest {
  return { from: followFrom(from), live, untilOffset: untilOffset === 0n ? undefined : Number(untilOffset) };
}

function followFrom(from: FollowMessage["from"]): FollowFrom {
  switch (from?.$case) {
    case "offset":
      return { offset: Number(from.value) };
    case "timeMs":
      return { timeMs: Number(from.value) };
    case "boot":
      return { boot: from.value };
    case "end":
      return { end: true };
    case "lines":
      return { lines: from.value };
    case undefined:
      throw new InvalidArgumentError("follow: say where to begin: offset, time, boot, end or lines");
  }
}

export function eventMessage(event: ConsoleEvent): ConsoleMessage {
  switch (event.kind) {
    case "data": {
      const { offset, data, timeMs } = event;
      const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
      return { event: { $case: "data", value: { offset: BigInt(offset), data: bytes, timeMs: BigInt(Math.trunc(timeMs)) } } };
    }
    case "gap":
      return { event: { $case: "gap", value: gapMessage(event) } };
    case "boot":
      return { event: { $case: "boot", value: bootMessage(event) } };
    case "live":
      return { event: { $case: "live", value: { offset: BigInt(event.offset) } } };
  }
}

export function noticeMessage({ node, notice }: ConsoleNotice): NoticeMessage {
  switch (notice.kind) {
    case "line":
      return { node, notice: { $case: "line", value: { state: notice.state, reason: notice.reason } } };
    case "gap":
      return { node, notice: { $case: "gap", value: gapMessage(notice) } };
    case "boot":
      return { node, notice: { $case: "boot", value: bootMessage(notice) } };
  }
}

export function bootMessage({ epoch, offset, cause, detail, timeMs }: Boot): ConsoleBoot {
  return { epoch, offset: BigInt(offset), cause, detail, timeMs: BigInt(Math.trunc(timeMs)) };
}

function gapMessage({ offset, cause, detail, fromMs, toMs, lostBytes }: Gap): ConsoleGap {
  return {
    offset: BigInt(offset),
    cause,
    detail,
    fromMs: BigInt(Math.trunc(fromMs)),
    toMs: BigInt(Math.trunc(toMs)),
    lostBytes: BigInt(lostBytes),
  };
}
