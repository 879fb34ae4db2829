/**
 * The lab's certificate authority. Made on first start, kept in the state directory, known to nobody else; everything in the lab
 * trusts it and nothing but it.
 */
// @peculiar/x509 needs the metadata API before it loads.
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { createHash, randomBytes, webcrypto } from "node:crypto";
import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import type { Clock } from "../../proto/base/clock.js";
import { replaceFile } from "../../proto/base/durable-file.js";
import { InvalidArgumentError } from "../../proto/base/errors.js";
import { generateKeyPair } from "../../proto/rpc/identity.js";
import type { TlsMaterial } from "../../proto/rpc/mux.js";
import type { Peer } from "../../proto/rpc/peer.js";
import { controllerName } from "../../proto/rpc/peer.js";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const dayMs = 86_400_000;
export const certificateLifeMs = 90 * dayMs;
const caLifeMs = 3650 * dayMs;
/** A certificate is valid from a little before it was made: clocks in a lab differ. */
const clockSkewMs = 3_600_000;

/** Printable, and safe in messages, file names and certificate subjects. */
const nameForm = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,62}$/;

export class Authority {
  readonly caPem: string;
  /** SHA-256 of the CA certificate's DER, lower-case hex: what join tokens and endpoint.json pin. */
  readonly caSha256: string;
  readonly #certificate: x509.X509Certificate;
  readonly #signingKey: webcrypto.CryptoKey;
  readonly #clock: Clock;

  private constructor(certificate: x509.X509Certificate, signingKey: webcrypto.CryptoKey, clock: Clock) {
    this.#certificate = certificate;
    this.#signingKey = signingKey;
    this.#clock = clock;
    this.caPem = `${certificate.toString("pem").trim()}\n`;
    this.caSha256 = createHash("sha256").update(Buffer.from(certificate.rawData)).digest("hex");
  }

  /** Opens the authority in `directory` (ca.pem, ca-key.pem, both 0600), making it when there is none. The directory exists. */
  static async open(directory: string, options: { clock: Clock; lab: string }): Promise<Authority> {
    const [certificatePath, keyPath] = [join(directory, "ca.pem"), join(directory, "ca-key.pem")];
    const stored = await readIfThere(certificatePath);
    if (stored !== undefined) {
      const key = await importKey(await readFile(keyPath, "utf8"));
      return new Authority(new x509.X509Certificate(stored), key, options.clock);
    }
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const certificate = await selfSigned(keys, options.lab, options.clock);
    const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
    // The certificate last: it is what says that there is an authority.
    await replaceFile(keyPath, x509.PemConverter.encode(pkcs8, "PRIVATE KEY"));
    await replaceFile(certificatePath, certificate.toString("pem"));
    return new Authority(certificate, keys.privateKey, options.clock);
  }

  /** A client certificate over a P-256 public key (DER SubjectPublicKeyInfo). Throws InvalidArgumentError for a name that cannot stand in one. */
  async issue(peer: Peer, publicKey: Uint8Array): Promise<{ certificatePem: string; expiresMs: number }> {
    checkName(peer.name);
    const expiresMs = this.#clock.now() + certificateLifeMs;
    const certificatePem = await this.#sign({
      subject: [{ O: [peer.role] }, { CN: [peer.name] }],
      publicKey,
      usage: x509.ExtendedKeyUsage.clientAuth,
      expiresMs,
    });
    return { certificatePem, expiresMs };
  }

  /** A new key and certificate for the controller's port. Never stored: every start makes its own. */
  async issueServer(hostNames: readonly string[]): Promise<TlsMaterial> {
    const { keyPem, publicKey } = generateKeyPair();
    const names = [...new Set([controllerName, "localhost", "127.0.0.1", "::1", ...hostNames])];
    const certificatePem = await this.#sign({
      subject: [{ CN: [controllerName] }],
      publicKey,
      usage: x509.ExtendedKeyUsage.serverAuth,
      expiresMs: this.#clock.now() + certificateLifeMs,
      names: names.map((value) => ({ type: isIP(value) === 0 ? "dns" : "ip", value })),
    });
    return { keyPem, chainPem: certificatePem + this.caPem, caPem: this.caPem };
  }

  async #sign(request: {
    subject: x509.JsonName;
    publicKey: Uint8Array;
    usage: x509.ExtendedKeyUsage;
    expiresMs: number;
    names?: x509.JsonGeneralNames;
  }): Promise<string> {
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject: request.subject,
      issuer: this.#certificate.subjectName,
      notBefore: new Date(this.#clock.now() - clockSkewMs),
      notAfter: new Date(request.expiresMs),
      signingAlgorithm: algorithm,
      publicKey: await importPublicKey(request.publicKey),
      signingKey: this.#signingKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        // One or the other: an agent's certificate cannot pose as the controller.
        new x509.ExtendedKeyUsageExtension([request.usage], true),
        await x509.AuthorityKeyIdentifierExtension.create(this.#certificate),
        ...(request.names === undefined ? [] : [new x509.SubjectAlternativeNameExtension(request.names)]),
      ],
    });
    return `${certificate.toString("pem").trim()}\n`;
  }
}

/** Throws InvalidArgumentError when a name cannot stand in a certificate. */
export function checkName(name: string): void {
  if (!nameForm.test(name)) {
    throw new InvalidArgumentError(
      `name "${name}": a certificate's name has 1 to 63 letters, digits, dots, dashes, underscores or @, and begins with a letter or digit`,
    );
  }
}

async function selfSigned(keys: webcrypto.CryptoKeyPair, lab: string, clock: Clock): Promise<x509.X509Certificate> {
  return x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ O: ["labd"] }, { CN: [`${lab} lab authority`] }],
    notBefore: new Date(clock.now() - clockSkewMs),
    notAfter: new Date(clock.now() + caLifeMs),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
}

/** Positive, 127 bits of chance (RFC 5280 §4.1.2.2 wants at most 20 octets and no reuse). */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes.writeUInt8(bytes.readUInt8(0) & 0x7f, 0);
  return bytes.toString("hex");
}

function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  return webcrypto.subtle.importKey("pkcs8", x509.PemConverter.decodeFirst(pem), algorithm, false, ["sign"]);
}

function importPublicKey(spki: Uint8Array): Promise<webcrypto.CryptoKey> {
  return webcrypto.subtle.importKey("spki", spki, algorithm, true, ["verify"]);
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
