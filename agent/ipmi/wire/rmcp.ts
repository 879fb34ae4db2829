/** The four bytes before everything (ASF 2.0 §3.2.2, IPMI v2.0 §13.1.3). */
import { MalformedPacketError } from "./malformed.js";

export const rmcpHeaderLength = 4;
export const rmcpClass = { asf: 0x06, ipmi: 0x07 } as const;

const rmcpVersion = 0x06;
/** "No RMCP acknowledge wanted": IPMI never uses RMCP's own numbering. */
const noAcknowledge = 0xff;

/** Writes an RMCP header of class IPMI at the start of `datagram`. */
export function writeRmcpHeader(datagram: Uint8Array): void {
  datagram[0] = rmcpVersion;
  datagram[1] = 0;
  datagram[2] = noAcknowledge;
  datagram[3] = rmcpClass.ipmi;
}

/** The class of an RMCP datagram and what follows its header, as a view. Throws MalformedPacketError. */
export function readRmcpHeader(datagram: Uint8Array): { messageClass: number; body: Uint8Array } {
  const version = datagram[0];
  const messageClass = datagram[3];
  if (version === undefined || messageClass === undefined) {
    throw new MalformedPacketError("RMCP", `${datagram.length} bytes are too short for a header`);
  }
  if (version !== rmcpVersion) throw new MalformedPacketError("RMCP", `version ${version} instead of ${rmcpVersion}`);
  // Bit 7 marks an RMCP acknowledge, which carries no message.
  if ((messageClass & 0x80) !== 0) throw new MalformedPacketError("RMCP", "an acknowledge, not a message");
  return { messageClass: messageClass & 0x1f, body: datagram.subarray(rmcpHeaderLength) };
}
