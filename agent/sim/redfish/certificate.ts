/** A certificate as a BMC makes it for itself: signed by nobody else, for the address it is reached at. */
// @peculiar/x509 needs the metadata API before it loads.
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { createHash, webcrypto } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import type { Clock } from "../../../proto/base/clock.js";

export interface SelfSigned {
  readonly certificatePem: string;
  readonly keyPem: string;
  /** SHA-256 of the certificate's DER, 64 lower-case hexadecimal digits. */
  readonly fingerprint: string;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const dayMs = 86_400_000;

/** Makes a new one. `host`: address or name. */
export async function selfSigned(host: string, clock: Clock): Promise<SelfSigned> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: "01",
    name: `CN=${host}`,
    notBefore: new Date(clock.now() - dayMs),
    notAfter: new Date(clock.now() + 3650 * dayMs),
    signingAlgorithm: algorithm,
    keys,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: isIP(host) === 0 ? "dns" : "ip", value: host }])],
  });
  const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    certificatePem: certificate.toString("pem"),
    keyPem: x509.PemConverter.encode(pkcs8, "PRIVATE KEY"),
    fingerprint: fingerprintOf(certificate),
  };
}

/** The one in `directory`, made when there is none: an inventory names it by its fingerprint, so it stays. */
export async function keptCertificate(directory: string, host: string, clock: Clock): Promise<SelfSigned> {
  const path = join(directory, "redfish.pem");
  const keyPath = join(directory, "redfish-key.pem");
  if (existsSync(path)) {
    const certificatePem = readFileSync(path, "utf8");
    const fingerprint = fingerprintOf(new x509.X509Certificate(certificatePem));
    return { certificatePem, keyPem: readFileSync(keyPath, "utf8"), fingerprint };
  }
  const made = await selfSigned(host, clock);
  writeFileSync(keyPath, made.keyPem, { mode: 0o600 });
  writeFileSync(path, made.certificatePem);
  return made;
}

function fingerprintOf(certificate: x509.X509Certificate): string {
  return createHash("sha256").update(Buffer.from(certificate.rawData)).digest("hex");
}
