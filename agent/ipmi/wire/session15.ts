/** The IPMI v1.5 session wrapper (IPMI v2.0 §13.6). Used here only outside a session, to ask what a BMC can do. */
import { ByteReader } from "./bytes.js";
import { rmcpHeaderLength, writeRmcpHeader } from "./rmcp.js";

export const authenticationType = { none: 0, md2: 1, md5: 2, password: 4, oem: 5, rmcpPlus: 6 } as const;

export interface Session15Packet {
  readonly authenticationType: number;
  readonly sequence: number;
  readonly sessionId: number;
  /** 16 bytes; undefined when the authentication type is none. */
  readonly authCode: Uint8Array | undefined;
  readonly payload: Uint8Array;
}

/** The whole datagram, RMCP header included. */
export function encodeSession15(packet: Session15Packet): Uint8Array {
  const authCode = packet.authCode ?? new Uint8Array(0);
  const datagram = new Uint8Array(rmcpHeaderLength + 10 + authCode.length + packet.payload.length);
  const view = new DataView(datagram.buffer);
  writeRmcpHeader(datagram);
  view.setUint8(4, packet.authenticationType);
  view.setUint32(5, packet.sequence, true);
  view.setUint32(9, packet.sessionId, true);
  datagram.set(authCode, 13);
  view.setUint8(13 + authCode.length, packet.payload.length);
  datagram.set(packet.payload, 14 + authCode.length);
  return datagram;
}

/** What follows the RMCP header; byte strings are views. Throws MalformedPacketError. */
export function decodeSession15(body: Uint8Array): Session15Packet {
  const input = new ByteReader(body, "v1.5 packet");
  const type = input.number(1);
  const sequence = input.number(4);
  const sessionId = input.number(4);
  const authCode = type === authenticationType.none ? undefined : input.take(16);
  // Some stacks append a legacy pad byte after the payload (§13.6, note 3); whatever follows the counted payload is not read.
  return { authenticationType: type, sequence, sessionId, authCode, payload: input.take(input.number(1)) };
}
