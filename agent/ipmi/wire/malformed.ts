/** Bytes that are not what they claim to be: too short, a wrong checksum, an impossible value. The only error a decoder throws. */
export class MalformedPacketError extends Error {
  readonly code = "malformed-packet";
  /** What was being read: "RAKP 2", "LAN message". */
  readonly subject: string;

  constructor(subject: string, reason: string) {
    super(`${subject}: ${reason}`);
    this.name = "MalformedPacketError";
    this.subject = subject;
  }
}
