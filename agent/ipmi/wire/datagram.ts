/** The first look at a datagram: which of the formats that share UDP port 623 it is. */
import { MalformedPacketError } from "./malformed.js";
import { readRmcpHeader, rmcpClass } from "./rmcp.js";
import { authenticationType, decodeSession15, type Session15Packet } from "./session15.js";
import { decodeSession20, type Session20Packet } from "./session20.js";

export type Datagram =
  | { readonly format: "v1.5"; readonly packet: Session15Packet }
  /** `body` is everything after the RMCP header: what an integrity code covers, and the code. */
  | { readonly format: "v2.0"; readonly packet: Session20Packet; readonly body: Uint8Array }
  /** ASF, such as an RMCP ping. */
  | { readonly format: "asf"; readonly body: Uint8Array };

/** Splits a datagram; byte strings are views into it. Throws MalformedPacketError. */
export function decodeDatagram(datagram: Uint8Array): Datagram {
  const { messageClass, body } = readRmcpHeader(datagram);
  if (messageClass === rmcpClass.asf) return { format: "asf", body };
  if (messageClass !== rmcpClass.ipmi) throw new MalformedPacketError("RMCP", `class ${messageClass} is neither IPMI nor ASF`);
  if (body[0] === authenticationType.rmcpPlus) return { format: "v2.0", packet: decodeSession20(body), body };
  return { format: "v1.5", packet: decodeSession15(body) };
}
