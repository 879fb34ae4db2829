/** Consoles between the contract's words and the controller's. */
import { InvalidArgumentError } from "../../proto/base/errors.js";
import type { ConsoleEvent as ConsoleMessage, FollowRequest as FollowMessage } from "../../proto/gen/lab/v1/console.js";
import type { FollowFrom, FollowRequest } from "../consoles/upstream.js";
import type { ConsoleEvent } from "../ports.js";

/** Throws InvalidArgumentError when nothing says where to begin. */
export function followRequest({ from, live, untilOffset }: FollowMessage): FollowRequest {
  return { from: followFrom(from), live, untilOffset: untilOffset === 0n ? undefined : untilOffset };
}

export function followMessage(node: string, { from, live, untilOffset }: FollowRequest): FollowMessage {
  return { node, from: fromMessage(from), live, untilOffset: untilOffset ?? 0n };
}

function followFrom(from: FollowMessage["from"]): FollowFrom {
  switch (from?.$case) {
    case "offset":
      return { offset: from.value };
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

function fromMessage(from: FollowFrom): FollowMessage["from"] {
  if ("offset" in from) return { $case: "offset", value: from.offset };
  if ("timeMs" in from) return { $case: "timeMs", value: BigInt(from.timeMs) };
  if ("boot" in from) return { $case: "boot", value: from.boot };
  if ("lines" in from) return { $case: "lines", value: from.lines };
  return { $case: "end", value: true };
}

/** Undefined for what no agent tells: an event of a newer one that this controller does not know, or the controller's own. */
export function consoleEvent({ event }: ConsoleMessage): ConsoleEvent | undefined {
  switch (event?.$case) {
    case "data":
      return { kind: "data", offset: event.value.offset, data: event.value.data, timeMs: Number(event.value.timeMs) };
    case "gap":
      return { kind: "gap", ...event.value, fromMs: Number(event.value.fromMs), toMs: Number(event.value.toMs) };
    case "boot":
      return { kind: "boot", ...event.value, timeMs: Number(event.value.timeMs) };
    case "live":
      return { kind: "live", offset: event.value.offset };
    case "site":
    case undefined:
      return undefined;
  }
}

export function consoleMessage(event: ConsoleEvent): ConsoleMessage {
  switch (event.kind) {
    case "data": {
      const { offset, data, timeMs } = event;
      return { event: { $case: "data", value: { offset, data: Buffer.from(data), timeMs: BigInt(timeMs) } } };
    }
    case "gap": {
      const { kind: _, fromMs, toMs, ...gap } = event;
      return { event: { $case: "gap", value: { ...gap, fromMs: BigInt(fromMs), toMs: BigInt(toMs) } } };
    }
    case "boot": {
      const { kind: _, timeMs, ...boot } = event;
      return { event: { $case: "boot", value: { ...boot, timeMs: BigInt(timeMs) } } };
    }
    case "live":
      return { event: { $case: "live", value: { offset: event.offset } } };
  }
}
