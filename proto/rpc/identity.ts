/** Who we are to the lab: a private key that never leaves this machine, the certificate over it, and the lab's CA. */
import { generateKeyPairSync, sign } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { replaceFile } from "../base/durable-file.js";
import { NotFoundError } from "../base/errors.js";
import { describeCertificate } from "./peer.js";

export interface Identity {
  /** PKCS #8, P-256. */
  readonly keyPem: string;
  readonly certificatePem: string;
  readonly caPem: string;
}

export interface KeyPair {
  readonly keyPem: string;
  /** DER SubjectPublicKeyInfo. */
  readonly publicKey: Buffer;
}

export function generateKeyPair(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "der" },
  });
  return { keyPem: privateKey, publicKey };
}

/** Signature over `challenge` that shows we hold the key (ECDSA P-256, SHA-256, DER). */
export function provePossession(keyPem: string, challenge: string): Buffer {
  return sign("sha256", Buffer.from(challenge), keyPem);
}

/** True when two thirds of the certificate's life have passed. */
export function renewalDue(identity: Identity, nowMs: number): boolean {
  const { fromMs, untilMs } = describeCertificate(identity.certificatePem);
  return nowMs >= fromMs + ((untilMs - fromMs) * 2) / 3;
}

const files = { keyPem: "key.pem", certificatePem: "cert.pem", caPem: "ca.pem" } as const;

/** Reads key.pem, cert.pem and ca.pem. Throws NotFoundError when there is no identity in the directory. */
export async function loadIdentity(directory: string): Promise<Identity> {
  const read = (name: string) => readFile(join(directory, name), "utf8");
  try {
    const [keyPem, certificatePem, caPem] = await Promise.all([read(files.keyPem), read(files.certificatePem), read(files.caPem)]);
    return { keyPem, certificatePem, caPem };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
    throw new NotFoundError(`identity ${directory}: no key.pem, cert.pem and ca.pem there; join the lab first`, { cause });
  }
}

/** Writes the three files 0600 into a directory of its own. The certificate comes last, so that a torn save is no identity. */
export async function saveIdentity(directory: string, identity: Identity): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  for (const part of ["caPem", "keyPem", "certificatePem"] as const) await replaceFile(join(directory, files[part]), identity[part]);
}
