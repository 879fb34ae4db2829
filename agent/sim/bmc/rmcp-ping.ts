/** ASF presence: "is there a BMC?" and "here is one that speaks IPMI" (ASF 2.0 §3.2.4, IPMI v2.0 §13.2). */
import { rmcpClass, rmcpHeaderLength, writeRmcpHeader } from "../../ipmi/wire/index.js";

const asfEnterprise = 4542;
const presencePing = 0x80;
const presencePong = 0x40;
const pongDataLength = 16;
const supportsIpmiAndAsf1 = 0x81;

/** The pong that answers an ASF message; undefined when it is no ping. `body`: what follows the RMCP header. */
export function pongFor(body: Uint8Array): Uint8Array | undefined {
  if (body.length < 8) return undefined;
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  if (view.getUint32(0) !== asfEnterprise || view.getUint8(4) !== presencePing) return undefined;
  const pong = new Uint8Array(rmcpHeaderLength + 8 + pongDataLength);
  const reply = new DataView(pong.buffer);
  writeRmcpHeader(pong);
  pong[3] = rmcpClass.asf;
  reply.setUint32(4, asfEnterprise);
  reply.setUint8(8, presencePong);
  reply.setUint8(9, view.getUint8(5));
  reply.setUint8(11, pongDataLength);
  reply.setUint32(12, asfEnterprise);
  reply.setUint8(20, supportsIpmiAndAsf1);
  return pong;
}
