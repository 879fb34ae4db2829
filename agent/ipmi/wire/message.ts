/** The IPMI LAN message: a request or its reply, between two addresses, with two checksums (IPMI v2.0 §13.8). */
import { MalformedPacketError } from "./malformed.js";

export const bmcAddress = 0x20;
/** A remote console's software id (§5.5), as every client uses it. */
export const consoleAddress = 0x81;

export interface RequestMessage {
  readonly responderAddress: number;
  readonly requesterAddress: number;
  /** Even. The reply's is one more. */
  readonly netFn: number;
  readonly lun: number;
  /** 0…63. The reply carries it back. */
  readonly sequence: number;
  readonly command: number;
  readonly data: Uint8Array;
}

export interface ReplyMessage {
  readonly responderAddress: number;
  readonly requesterAddress: number;
  /** Odd. */
  readonly netFn: number;
  readonly lun: number;
  readonly sequence: number;
  readonly command: number;
  readonly completionCode: number;
  /** What follows the completion code. */
  readonly data: Uint8Array;
}

interface Frame {
  readonly to: number;
  readonly from: number;
  readonly netFn: number;
  readonly toLun: number;
  readonly fromLun: number;
  readonly sequence: number;
  readonly command: number;
}

/** Bytes of a request. */
export function encodeRequest(message: RequestMessage): Uint8Array {
  const { responderAddress: to, requesterAddress: from, lun: toLun } = message;
  return encodeFrame({ ...message, to, from, toLun, fromLun: 0 }, message.data);
}

/** A request; `data` is a view. Throws MalformedPacketError. */
export function decodeRequest(payload: Uint8Array): RequestMessage {
  const frame = decodeFrame(payload, 0, true);
  const { netFn, sequence, command, toLun: lun, to: responderAddress, from: requesterAddress } = frame;
  if ((netFn & 1) !== 0) throw new MalformedPacketError("LAN message", "a reply where a request was expected");
  return { responderAddress, requesterAddress, netFn, lun, sequence, command, data: payload.subarray(6, -1) };
}

/** Bytes of a reply. */
export function encodeReply(message: ReplyMessage): Uint8Array {
  const data = new Uint8Array(1 + message.data.length);
  data[0] = message.completionCode;
  data.set(message.data, 1);
  const { requesterAddress: to, responderAddress: from, lun: fromLun } = message;
  return encodeFrame({ ...message, to, from, toLun: 0, fromLun }, data);
}

/** A reply; `data` is a view. Some BMCs get their checksums wrong: `checksums: false` reads those. Throws MalformedPacketError. */
export function decodeReply(payload: Uint8Array, options?: { checksums?: boolean }): ReplyMessage {
  const frame = decodeFrame(payload, 1, options?.checksums ?? true);
  const { netFn, sequence, command, fromLun: lun, to: requesterAddress, from: responderAddress } = frame;
  if ((netFn & 1) === 0) throw new MalformedPacketError("LAN message", "a request where a reply was expected");
  const completionCode = payload[6] ?? 0;
  return { responderAddress, requesterAddress, netFn, lun, sequence, command, completionCode, data: payload.subarray(7, -1) };
}

/** The reply to a request: addresses, sequence and command taken over. */
export function replyTo(request: RequestMessage, completionCode: number, data: Uint8Array = new Uint8Array(0)): ReplyMessage {
  return { ...request, netFn: request.netFn | 1, completionCode, data };
}

/** The two's complement that makes the bytes sum to 0. */
export function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (const byte of bytes) sum += byte;
  return -sum & 0xff;
}

function encodeFrame(frame: Frame, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(7 + data.length);
  bytes[0] = frame.to;
  bytes[1] = (frame.netFn << 2) | frame.toLun;
  bytes[2] = checksum(bytes.subarray(0, 2));
  bytes[3] = frame.from;
  bytes[4] = (frame.sequence << 2) | frame.fromLun;
  bytes[5] = frame.command;
  bytes.set(data, 6);
  bytes[bytes.length - 1] = checksum(bytes.subarray(3, -1));
  return bytes;
}

function decodeFrame(bytes: Uint8Array, minimumData: number, checksums: boolean): Frame {
  const [to, netFnAndLun, , from, sequenceAndLun, command] = bytes;
  if (
    bytes.length < 7 + minimumData ||
    to === undefined ||
    netFnAndLun === undefined ||
    from === undefined ||
    sequenceAndLun === undefined ||
    command === undefined
  ) {
    throw new MalformedPacketError("LAN message", `${bytes.length} bytes are too short`);
  }
  if (checksums && (checksum(bytes.subarray(0, 3)) !== 0 || checksum(bytes.subarray(3)) !== 0)) {
    throw new MalformedPacketError("LAN message", "wrong checksum");
  }
  const [netFn, toLun, sequence, fromLun] = [netFnAndLun >> 2, netFnAndLun & 3, sequenceAndLun >> 2, sequenceAndLun & 3];
  return { to, from, netFn, toLun, fromLun, sequence, command };
}
