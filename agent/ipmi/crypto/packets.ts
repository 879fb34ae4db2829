/** Sealing and opening the packets of a session: AES-CBC-128 inside, an integrity code outside (IPMI v2.0 §13.28, §13.29). Both ends. */
import { createHash, createHmac, randomBytes } from "node:crypto";
import { MalformedPacketError } from "../wire/malformed.js";
import { rmcpHeaderLength } from "../wire/rmcp.js";
import { encodeSession20, type Session20Packet } from "../wire/session20.js";
import { blockLength, createBlockCipher, createBlockDecipher } from "./cbc.js";
import { equalSecrets, type SessionKeys } from "./rakp.js";
import type { CipherSuite } from "./suites.js";

export interface SealedPackets {
  /** The datagram of one payload, encrypted and authenticated. */
  seal(packet: { payloadType: number; sessionId: number; sequence: number; payload: Uint8Array }): Uint8Array;
  /**
   * The payload of a v2.0 packet, decrypted when it was encrypted; `body` is all that followed its RMCP header.
   * Throws MalformedPacketError when it is not authenticated, its code is wrong or its padding is.
   */
  open(packet: Session20Packet, body: Uint8Array): Uint8Array;
}

/**
 * Seals and opens with the keys of one session. `userKey` matters to suite 12 alone.
 * `random` gives so many bytes nobody can guess; the default is the system's.
 */
export function createSealedPackets(
  suite: CipherSuite,
  keys: SessionKeys,
  userKey: Uint8Array,
  random: (length: number) => Uint8Array = randomBytes,
): SealedPackets {
  const fresh = freshBlocks(random);
  const cipher = createBlockCipher(keys.k2);
  const decipher = createBlockDecipher(keys.k2);
  const code = integrityCode(suite, keys.k1, userKey);
  return {
    seal({ payloadType, sessionId, sequence, payload }) {
      const encrypted = cipher.encrypt(pad(payload), fresh());
      const datagram = encodeSession20(
        { payloadType, encrypted: true, authenticated: true, sessionId, sequence, payload: encrypted },
        suite.authCodeLength,
      );
      const end = datagram.length - suite.authCodeLength;
      datagram.set(code(datagram.subarray(rmcpHeaderLength, end)), end);
      return datagram;
    },
    open(packet, body) {
      const end = body.length - suite.authCodeLength;
      const covered = packet.payload.byteOffset - body.byteOffset + packet.payload.length;
      if (!packet.authenticated) throw new MalformedPacketError("sealed packet", "not authenticated");
      if (end < covered + 2) throw new MalformedPacketError("sealed packet", "no room for an integrity code");
      if (!equalSecrets(code(body.subarray(0, end)), body.subarray(end))) {
        throw new MalformedPacketError("sealed packet", "wrong integrity code");
      }
      if (!packet.encrypted) return packet.payload;
      const length = packet.payload.length;
      if (length < 2 * blockLength || length % blockLength !== 0) {
        throw new MalformedPacketError("sealed packet", `${length} bytes of ciphertext are not an IV and whole blocks`);
      }
      return unpad(decipher.decrypt(packet.payload));
    },
  };
}

/** Blocks of randomness, each given once: asking the system for 16 bytes costs as much as for 4096 (2.5 µs, Node 20). */
function freshBlocks(random: (length: number) => Uint8Array): () => Uint8Array {
  let pool = new Uint8Array(0);
  return () => {
    if (pool.length === 0) pool = random(256 * blockLength).slice();
    const block = pool.subarray(0, blockLength);
    pool = pool.subarray(blockLength);
    return block;
  };
}

/** The code that proves bytes: HMAC_K1 cut short, or for suite 12 MD5(password ‖ bytes ‖ password). */
function integrityCode(suite: CipherSuite, k1: Uint8Array, userKey: Uint8Array): (bytes: Uint8Array) => Uint8Array {
  if (suite.proof === "password-md5") {
    return (bytes) => createHash("md5").update(userKey).update(bytes).update(userKey).digest();
  }
  return (bytes) => createHmac(suite.hash, k1).update(bytes).digest().subarray(0, suite.authCodeLength);
}

/** Payload, pad 1, 2, 3…, length of the pad: whole blocks (Table 13-20). */
function pad(payload: Uint8Array): Uint8Array {
  const length = (blockLength - ((payload.length + 1) % blockLength)) % blockLength;
  const padded = new Uint8Array(payload.length + length + 1);
  padded.set(payload);
  for (let i = 0; i < length; i += 1) padded[payload.length + i] = i + 1;
  padded[padded.length - 1] = length;
  return padded;
}

/** Only the length is checked: some BMCs fill the pad with anything; the integrity code has vouched for the packet. */
function unpad(padded: Uint8Array): Uint8Array {
  const length = padded[padded.length - 1] ?? 0;
  if (length + 1 > padded.length || length > blockLength) throw new MalformedPacketError("sealed packet", `pad length ${length}`);
  return padded.subarray(0, padded.length - 1 - length);
}
