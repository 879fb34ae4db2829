/** Who we are to the lab: a private key that never leaves this machine, the certificate over it, and the lab's CA. */
import { createPrivateKey, generateKeyPairSync, sign, X509Certificate } from "node:crypto";
import { mkdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { replaceFile, syncDirectory } from "../base/durable-file.js";
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

const files = { key: "key.pem", nextKey: "key.next.pem", certificate: "cert.pem", ca: "ca.pem" } as const;

/** Reads key.pem, cert.pem and ca.pem. Throws NotFoundError when there is no identity in the directory. */
export async function loadIdentity(directory: string): Promise<Identity> {
  const read = (name: string) => readFile(join(directory, name), "utf8");
  try {
    const [certificatePem, caPem] = await Promise.all([read(files.certificate), read(files.ca)]);
    const keyPem = await read(files.key).catch(absentIsUndefined);
    if (keyPem !== undefined && fits(keyPem, certificatePem)) return { keyPem, certificatePem, caPem };
    const nextKeyPem = await read(files.nextKey);
    if (fits(nextKeyPem, certificatePem)) return { keyPem: nextKeyPem, certificatePem, caPem };
  } catch (cause) {
    absentIsUndefined(cause);
    throw new NotFoundError(`identity ${directory}: no key.pem, cert.pem and ca.pem there; join the lab first`, { cause });
  }
  throw new NotFoundError(`identity ${directory}: cert.pem is over another key than key.pem; remove the directory and join again`);
}

/**
 * Writes the three files 0600 into a directory of its own. A new key stands beside the old one until its certificate is there: a
 * save that breaks off leaves the old identity or the new one.
 */
export async function saveIdentity(directory: string, identity: Identity): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await replaceFile(join(directory, files.ca), identity.caPem);
  await replaceFile(join(directory, files.nextKey), identity.keyPem);
  await replaceFile(join(directory, files.certificate), identity.certificatePem);
  await rename(join(directory, files.nextKey), join(directory, files.key));
  await syncDirectory(directory);
}

function fits(keyPem: string, certificatePem: string): boolean {
  return new X509Certificate(certificatePem).checkPrivateKey(createPrivateKey(keyPem));
}

function absentIsUndefined(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
}
