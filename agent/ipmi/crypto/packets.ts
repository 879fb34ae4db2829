/** Sealing and opening the packets of a session: AES-CBC-128 inside, an integrity code outside (IPMI v2.0 §13.28, §13.29). Both ends. */
import { createHash, createHmac, randomBytes } from "node:crypto";
import { MalformedPacketError } from "../wire/malformed.js";
import { rmcpHeaderLength } from "../wire/rmcp.js";
import { encodeSession20, type Session20Packet } from "../wire/session20.js";
import { blockLength, createBlockCipher, createBlockDecipher } from "./cbc.js";
import { PacketHmac } from "./hmac.js";
import type { SessionKeys } from "./rakp.js";
import type { CipherSuite } from "./suites.js";

export interface SealedPackets {
  /** The datagram of one payload, encrypted and authenticated. */
  seal(packet: { payloadType: number; sessionId: number; sequence: number; payload: Uint8Array }): Uint8Array;
  /**
   * The payload of a v2.0 packet, decrypted when it was encrypted; `body` is all that followed its RMCP header.
   * Throws MalformedPacketError when it is not authenticated, its code is wrong or its padding is.
   */
  open(packet: Session20Packet, body: Uint8Array): Uint8Array;
  /** Overwrites what the integrity key could be told by; nothing can be sealed or opened afterwards. */
  forget(): void;
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
  const plain = paddedBlocks(random);
  const cipher = createBlockCipher(keys.k2);
  const decipher = createBlockDecipher(keys.k2);
  const code = integrityCode(suite, keys.k1, userKey);
  return {
    seal({ payloadType, sessionId, sequence, payload }) {
      const encrypted = cipher.encrypt(plain(payload));
      const datagram = encodeSession20(
        { payloadType, encrypted: true, authenticated: true, sessionId, sequence, payload: encrypted },
        suite.authCodeLength,
      );
      const end = datagram.length - suite.authCodeLength;
      const bytes = code.of(datagram, rmcpHeaderLength, end);
      for (let i = 0; i < suite.authCodeLength; i += 1) datagram[end + i] = bytes[i] ?? 0;
      return datagram;
    },
    open(packet, body) {
      const end = body.length - suite.authCodeLength;
      const covered = packet.payload.byteOffset - body.byteOffset + packet.payload.length;
      if (!packet.authenticated) throw new MalformedPacketError("sealed packet", "not authenticated");
      if (end < covered + 2) throw new MalformedPacketError("sealed packet", "no room for an integrity code");
      if (!endsWith(body, end, code.of(body, 0, end))) throw new MalformedPacketError("sealed packet", "wrong integrity code");
      if (!packet.encrypted) return packet.payload;
      const length = packet.payload.length;
      if (length < 2 * blockLength || length % blockLength !== 0) {
        throw new MalformedPacketError("sealed packet", `${length} bytes of ciphertext are not an IV and whole blocks`);
      }
      return unpad(decipher.decrypt(packet.payload));
    },
    forget: () => code.forget(),
  };
}

interface IntegrityCode {
  /** The code of bytes [from, to), at least as long as the suite's. The next call may overwrite it. */
  of(bytes: Uint8Array, from: number, to: number): Uint8Array;
  forget(): void;
}

/** HMAC_K1, or for suite 12 MD5(password ‖ bytes ‖ password). */
function integrityCode(suite: CipherSuite, k1: Uint8Array, userKey: Uint8Array): IntegrityCode {
  const { hash, proof } = suite;
  if (proof === "hmac" && hash !== "md5") return new PacketHmac(hash, k1);
  const of = (bytes: Uint8Array) =>
    proof === "hmac"
      ? createHmac(hash, k1).update(bytes).digest()
      : createHash("md5").update(userKey).update(bytes).update(userKey).digest();
  return { of: (bytes, from, to) => of(bytes.subarray(from, to)), forget: () => undefined };
}

/** Whether what follows `at` begins the code, in time that tells nothing about where they differ. */
function endsWith(bytes: Uint8Array, at: number, code: Uint8Array): boolean {
  let difference = 0;
  for (let i = at; i < bytes.length; i += 1) difference |= (bytes[i] ?? 0) ^ (code[i - at] ?? 0);
  return difference === 0;
}

/** Asking the system for 16 bytes costs as much as for 4096 (2.5 µs, Node 20). */
const poolBlocks = 256;

/** A block of randomness used nowhere else ‖ payload ‖ pad 1, 2, 3… ‖ length of the pad (Table 13-20). The next call overwrites it. */
function paddedBlocks(random: (length: number) => Uint8Array): (payload: Uint8Array) => Uint8Array {
  let pool = new Uint8Array(0);
  let used = 0;
  let blocks = new Uint8Array(2 * blockLength);
  return (payload) => {
    if (used === pool.length) {
      pool = random(poolBlocks * blockLength).slice();
      used = 0;
    }
    const pad = (blockLength - ((payload.length + 1) % blockLength)) % blockLength;
    const length = blockLength + payload.length + pad + 1;
    if (length > blocks.length) blocks = new Uint8Array(length);
    for (let i = 0; i < blockLength; i += 1) blocks[i] = pool[used + i] ?? 0;
    used += blockLength;
    blocks.set(payload, blockLength);
    for (let i = 1; i <= pad; i += 1) blocks[length - 1 - pad + i - 1] = i;
    blocks[length - 1] = pad;
    return length === blocks.length ? blocks : blocks.subarray(0, length);
  };
}

/** Only the length is checked: some BMCs fill the pad with anything; the integrity code has vouched for the packet. */
function unpad(padded: Uint8Array): Uint8Array {
  const length = padded[padded.length - 1] ?? 0;
  if (length + 1 > padded.length || length > blockLength) throw new MalformedPacketError("sealed packet", `pad length ${length}`);
  return padded.subarray(0, padded.length - 1 - length);
}
