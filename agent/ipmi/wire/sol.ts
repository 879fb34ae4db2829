/** Serial-over-LAN payload: four bytes and characters (IPMI v2.0 §15.9). */
import { MalformedPacketError } from "./malformed.js";

/** Operation bits of a packet to the BMC. */
export const solOperation = {
  nack: 0x40,
  ringWor: 0x20,
  break: 0x10,
  pauseCts: 0x08,
  dropDcdDsr: 0x04,
  flushInbound: 0x02,
  flushOutbound: 0x01,
} as const;

/** Status bits of a packet from the BMC. */
export const solStatus = {
  nack: 0x40,
  transferUnavailable: 0x20,
  deactivated: 0x10,
  transmitOverrun: 0x08,
  breakDetected: 0x04,
} as const;

export interface SolPacket {
  /** 1…15; 0 = nothing to acknowledge: an acknowledgement only. */
  readonly sequence: number;
  /** Sequence number this packet acknowledges; 0 = none. */
  readonly acknowledged: number;
  /** How many characters of the acknowledged packet were taken. */
  readonly accepted: number;
  /** solOperation towards the BMC, solStatus from it. */
  readonly flags: number;
  readonly data: Uint8Array;
}

export const solHeaderLength = 4;

/** Bytes of a SOL payload. */
export function encodeSol(packet: SolPacket): Uint8Array {
  const payload = new Uint8Array(solHeaderLength + packet.data.length);
  payload[0] = packet.sequence;
  payload[1] = packet.acknowledged;
  payload[2] = packet.accepted;
  payload[3] = packet.flags;
  if (packet.data.length > 0) payload.set(packet.data, solHeaderLength);
  return payload;
}

/** A SOL payload; `data` is a view. Throws MalformedPacketError. */
export function decodeSol(payload: Uint8Array): SolPacket {
  if (payload.length < solHeaderLength) throw new MalformedPacketError("SOL payload", `${payload.length} bytes are too short for a header`);
  return {
    sequence: (payload[0] ?? 0) & 0x0f,
    acknowledged: (payload[1] ?? 0) & 0x0f,
    accepted: payload[2] ?? 0,
    flags: payload[3] ?? 0,
    data: payload.subarray(solHeaderLength),
  };
}
