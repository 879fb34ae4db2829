/**
 * The SOL data plane as a reducer (IPMI v2.0 §15.9–15.11): one packet outstanding each way, everything acknowledged at once.
 *
 * Invariants. Every character is delivered once and in order, or its loss is an effect. A packet that repeats the number of the last
 * one may carry more: only the new tail is delivered, the whole is acknowledged (but see `crossingMs`). Any first number is accepted, and any jump:
 * BMCs do not all start at 1, and after their reboot numbers start anywhere. What is older than a packet already seen is told by the
 * session's sequence, which is never reused.
 */
import { solOperation, solStatus, type SolPacket } from "../wire/index.js";

/** Waits for an acknowledgement, by how often the packet was sent: quick at first, a blacked-out BMC gets half a minute. */
const retransmitMs = [500, 500, 1000, 2000, 4000] as const;
/** Unanswered copies after which the same characters go under the next number: some boards come unstuck that way. */
const usualCopiesPerNumber = 8;
const copiesInAll = 16;
/** A BMC that refused characters has a full buffer; some never say when there is room again. */
const pauseMs = 100;
/**
 * A grown copy that comes this soon after our acknowledgement of the shorter one was sent before that arrived: they crossed. The BMC
 * will take the acknowledgement as one of a part and send the tail under the next number, so the tail must not be taken now. Far
 * above a round trip on a lab's network, far below any BMC's retry interval. Seen with ipmi_sim when our process had stalled.
 */
const crossingMs = 50;
/** BREAK packets carry no characters, and some BMCs acknowledge only characters. */
const breakWaitMs = 1000;

export interface SolLine {
  readonly ended: boolean;
  /** Most characters in one packet to the BMC. */
  readonly chunkBytes: number;
  /** Copies of a packet before its number is given up. */
  readonly copiesPerNumber: number;
  /** 1…15: the number of our next packet. */
  readonly nextSequence: number;
  readonly outstanding: Outstanding | undefined;
  /** Written, not yet sent. */
  readonly unsent: Uint8Array;
  readonly breakWanted: boolean;
  /** The BMC said it has no room; nothing is sent until the pause is over. */
  readonly paused: boolean;
  readonly last: Received | undefined;
  readonly transferAvailable: boolean;
}

interface Received {
  readonly sequence: number;
  /** The characters acknowledged. */
  readonly data: Uint8Array;
  readonly order: number;
  /** When they were acknowledged last: any of the acknowledgements can be the one a grown copy crosses. */
  readonly acknowledgedMs: number;
}

interface Outstanding {
  readonly sequence: number;
  readonly data: Uint8Array;
  readonly isBreak: boolean;
  readonly copies: number;
}

export type SolLineEvent =
  /** `order` is the session sequence number it came under, `atMs` monotonic time. */
  | { readonly kind: "received"; readonly packet: SolPacket; readonly order: number; readonly atMs: number }
  | { readonly kind: "write"; readonly data: Uint8Array }
  | { readonly kind: "break" }
  /** The wait asked for last is over. */
  | { readonly kind: "timer" };

export type SolLineEffect =
  | { readonly kind: "send"; readonly packet: SolPacket }
  | { readonly kind: "deliver"; readonly data: Uint8Array }
  /** So many characters of what was written are in the BMC. */
  | { readonly kind: "accepted"; readonly count: number }
  | { readonly kind: "break-sent" }
  | { readonly kind: "overrun" }
  | { readonly kind: "notice"; readonly notice: "transfer-unavailable" | "transfer-available" | "break-detected" }
  /** Replaces the wait before it; undefined = nothing to wait for. */
  | { readonly kind: "timer"; readonly delayMs: number | undefined }
  | { readonly kind: "ended"; readonly reason: "deactivated" | "unacknowledged" };

export interface SolLineStep {
  readonly line: SolLine;
  readonly effects: readonly SolLineEffect[];
}

const nothing = new Uint8Array(0);

/** A line just activated. */
export function openLine(chunkBytes: number, copiesPerNumber = usualCopiesPerNumber): SolLine {
  return {
    ended: false,
    chunkBytes,
    copiesPerNumber,
    nextSequence: 1,
    outstanding: undefined,
    unsent: nothing,
    breakWanted: false,
    paused: false,
    last: undefined,
    transferAvailable: true,
  };
}

export function stepLine(line: SolLine, event: SolLineEvent): SolLineStep {
  if (line.ended) return { line, effects: [] };
  switch (event.kind) {
    case "received":
      return onReceived(line, event);
    case "write":
      return sendNext({ ...line, unsent: concat(line.unsent, event.data) }, []);
    case "break":
      return sendNext({ ...line, breakWanted: true }, []);
    case "timer":
      return onTimer(line);
  }
}

type Arrival = Extract<SolLineEvent, { kind: "received" }>;

function onReceived(line: SolLine, arrival: Arrival): SolLineStep {
  const { packet, order } = arrival;
  const stale = line.last !== undefined && order < line.last.order;
  const effects: SolLineEffect[] = [];
  let next = stale ? line : takeCharacters(line, arrival, effects);
  if ((packet.flags & solStatus.deactivated) !== 0) {
    effects.push({ kind: "timer", delayMs: undefined }, { kind: "ended", reason: "deactivated" });
    return { line: { ...next, ended: true }, effects };
  }
  next = takeStatus(next, packet, effects);
  return takeAcknowledgement(next, packet, effects);
}

/** Acknowledges, and delivers what is new. */
function takeCharacters(line: SolLine, { packet, order, atMs }: Arrival, effects: SolLineEffect[]): SolLine {
  const { sequence, data, flags } = packet;
  const before = line.last?.sequence === sequence && repeats(line.last.data, data) ? line.last : undefined;
  if ((flags & solStatus.transmitOverrun) !== 0 && before === undefined) effects.push({ kind: "overrun" });
  if (sequence === 0) return line;
  const known = before?.data.length ?? 0;
  const crossed = before !== undefined && data.length > known && atMs - before.acknowledgedMs < crossingMs;
  const accepted = crossed ? known : data.length;
  // Before anything else: a BMC that waits a second for this may send the same under a new number (OpenBMC).
  effects.push({ kind: "send", packet: { sequence: 0, acknowledged: sequence, accepted, flags: 0, data: nothing } });
  if (accepted <= known && before !== undefined) return { ...line, last: { ...before, order, acknowledgedMs: atMs } };
  if (data.length > 0) effects.push({ kind: "deliver", data: known === 0 ? data : data.subarray(known) });
  return { ...line, last: { sequence, data, order, acknowledgedMs: atMs } };
}

/** A copy begins as the packet did. Under the same number, other characters are news: a BMC that restarted can come upon any number. */
function repeats(known: Uint8Array, data: Uint8Array): boolean {
  const length = Math.min(known.length, data.length);
  for (let i = 0; i < length; i += 1) if (known[i] !== data[i]) return false;
  return true;
}

function takeStatus(line: SolLine, { flags }: SolPacket, effects: SolLineEffect[]): SolLine {
  if ((flags & solStatus.breakDetected) !== 0) effects.push({ kind: "notice", notice: "break-detected" });
  const transferAvailable = (flags & solStatus.transferUnavailable) === 0;
  if (transferAvailable === line.transferAvailable) return line;
  effects.push({ kind: "notice", notice: transferAvailable ? "transfer-available" : "transfer-unavailable" });
  return { ...line, transferAvailable };
}

function takeAcknowledgement(line: SolLine, packet: SolPacket, effects: SolLineEffect[]): SolLineStep {
  const { outstanding } = line;
  const refused = (packet.flags & solStatus.nack) !== 0;
  if (outstanding === undefined || packet.acknowledged !== outstanding.sequence) {
    // "I have room again" acknowledges nothing.
    if (line.paused && packet.sequence === 0 && packet.acknowledged === 0 && !refused) return sendNext({ ...line, paused: false }, effects);
    return { line, effects };
  }
  const nextSequence = after(outstanding.sequence);
  if (outstanding.isBreak) {
    effects.push({ kind: "break-sent" });
    return sendNext({ ...line, nextSequence, outstanding: undefined }, effects);
  }
  // More than was sent is the count of somebody else's packet with this number (ipmi_sim keeps numbers over activations): ours was
  // taken for its repetition, and not taken.
  const accepted = packet.accepted > outstanding.data.length ? 0 : packet.accepted;
  if (accepted > 0) effects.push({ kind: "accepted", count: accepted });
  const rest = { ...line, nextSequence, outstanding: undefined, unsent: concat(outstanding.data.subarray(accepted), line.unsent) };
  if (!refused || rest.unsent.length === 0) return sendNext({ ...rest, paused: false }, effects);
  effects.push({ kind: "timer", delayMs: pauseMs });
  return { line: { ...rest, paused: true }, effects };
}

function onTimer(line: SolLine): SolLineStep {
  const { outstanding } = line;
  if (outstanding === undefined) return sendNext({ ...line, paused: false }, []);
  if (outstanding.isBreak) return sendNext({ ...line, outstanding: undefined }, [{ kind: "break-sent" }]);
  if (outstanding.copies >= copiesInAll) return { line: { ...line, ended: true }, effects: [{ kind: "ended", reason: "unacknowledged" }] };
  const sequence = outstanding.copies % line.copiesPerNumber === 0 ? after(outstanding.sequence) : outstanding.sequence;
  return transmit(line, { ...outstanding, sequence, copies: outstanding.copies + 1 }, []);
}

/** Sends what waits, when nothing is outstanding. A BREAK goes first: whoever sends one wants it to interrupt. */
function sendNext(line: SolLine, effects: SolLineEffect[]): SolLineStep {
  if (line.outstanding !== undefined || line.paused) return { line, effects };
  const fresh = { sequence: line.nextSequence, copies: 1 };
  if (line.breakWanted) return transmit({ ...line, breakWanted: false }, { ...fresh, data: nothing, isBreak: true }, effects);
  if (line.unsent.length === 0) {
    effects.push({ kind: "timer", delayMs: undefined });
    return { line, effects };
  }
  const data = line.unsent.subarray(0, line.chunkBytes);
  return transmit({ ...line, unsent: line.unsent.subarray(data.length) }, { ...fresh, data, isBreak: false }, effects);
}

function transmit(line: SolLine, outstanding: Outstanding, effects: SolLineEffect[]): SolLineStep {
  const { sequence, data, isBreak, copies } = outstanding;
  const flags = isBreak ? solOperation.break : 0;
  const waitMs = retransmitMs[Math.min(copies, retransmitMs.length) - 1] ?? 0;
  effects.push({ kind: "send", packet: { sequence, acknowledged: 0, accepted: 0, flags, data } });
  effects.push({ kind: "timer", delayMs: isBreak ? breakWaitMs : waitMs });
  return { line: { ...line, outstanding }, effects };
}

function after(sequence: number): number {
  return (sequence % 15) + 1;
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
