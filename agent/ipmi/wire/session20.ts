/** The IPMI v2.0 / RMCP+ session wrapper (IPMI v2.0 §13.6, Table 13-8): header, payload, and room for the trailer that proves it. */
import { MalformedPacketError } from "./malformed.js";
import { rmcpHeaderLength, writeRmcpHeader } from "./rmcp.js";
import { authenticationType } from "./session15.js";

export const payloadType = {
  ipmi: 0x00,
  sol: 0x01,
  oemExplicit: 0x02,
  openSessionRequest: 0x10,
  openSessionReply: 0x11,
  rakp1: 0x12,
  rakp2: 0x13,
  rakp3: 0x14,
  rakp4: 0x15,
} as const;

export interface Session20Packet {
  readonly payloadType: number;
  readonly encrypted: boolean;
  readonly authenticated: boolean;
  /** The receiver's id for the session; 0 while there is none. */
  readonly sessionId: number;
  /** 0 while there is no session, then from 1. */
  readonly sequence: number;
  /** As on the wire: ciphertext when `encrypted`. */
  readonly payload: Uint8Array;
}

/** Length of authentication type, payload type, session id, sequence and payload length. */
const headerLength = 12;
/** The next-header byte of RMCP+ (Table 13-8); reserved for a use that never came. */
const nextHeader = 0x07;
const integrityPad = 0xff;

/**
 * The whole datagram, RMCP header included. An authenticated one ends in `authCodeLength` zeros: the code to put there covers
 * everything between the RMCP header and itself, padded to a multiple of four.
 */
export function encodeSession20(packet: Session20Packet, authCodeLength = 0): Uint8Array {
  const covered = headerLength + packet.payload.length;
  const pad = (4 - ((covered + 2) & 3)) & 3;
  const trailer = packet.authenticated ? pad + 2 + authCodeLength : 0;
  const datagram = new Uint8Array(rmcpHeaderLength + covered + trailer);
  writeRmcpHeader(datagram);
  datagram[4] = authenticationType.rmcpPlus;
  datagram[5] = packet.payloadType | (packet.encrypted ? 0x80 : 0) | (packet.authenticated ? 0x40 : 0);
  writeU32(datagram, 6, packet.sessionId);
  writeU32(datagram, 10, packet.sequence);
  datagram[14] = packet.payload.length;
  datagram[15] = packet.payload.length >>> 8;
  datagram.set(packet.payload, 16);
  if (packet.authenticated) {
    const end = rmcpHeaderLength + covered;
    datagram.fill(integrityPad, end, end + pad);
    datagram[end + pad] = pad;
    datagram[end + pad + 1] = nextHeader;
  }
  return datagram;
}

/** What follows the RMCP header; the payload is a view. Neither authenticity nor trailer is checked here. Throws MalformedPacketError. */
export function decodeSession20(body: Uint8Array): Session20Packet {
  if (body.length < headerLength) throw new MalformedPacketError("v2.0 packet", `${body.length} bytes are too short for a header`);
  const typeAndFlags = body[1] ?? 0;
  // An OEM payload has six bytes more of header; nothing here speaks one.
  if ((typeAndFlags & 0x3f) === payloadType.oemExplicit) throw new MalformedPacketError("v2.0 packet", "an OEM payload");
  const length = (body[10] ?? 0) | ((body[11] ?? 0) << 8);
  if (headerLength + length > body.length) {
    throw new MalformedPacketError("v2.0 packet", `payload of ${length} bytes in ${body.length - headerLength}`);
  }
  return {
    payloadType: typeAndFlags & 0x3f,
    encrypted: (typeAndFlags & 0x80) !== 0,
    authenticated: (typeAndFlags & 0x40) !== 0,
    sessionId: readU32(body, 2),
    sequence: readU32(body, 6),
    payload: body.subarray(headerLength, headerLength + length),
  };
}

/** True for a whole datagram, RMCP header included, that carries a console's characters or their acknowledgement. Nothing is checked. */
export function isConsoleTraffic(datagram: Uint8Array): boolean {
  return datagram[4] === authenticationType.rmcpPlus && ((datagram[5] ?? 0) & 0x3f) === payloadType.sol;
}

// Written out: a DataView per packet costs more than all the rest of its header.
function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

function readU32(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)) >>> 0;
}
