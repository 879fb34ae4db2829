/** Cipher suites (IPMI v2.0 Table 22-20): only those that authenticate, prove and encrypt. Suite 0 and its like are not here at all. */

export interface CipherSuite {
  readonly id: number;
  /** Algorithm numbers as in Open Session (Tables 13-17, 13-18, 13-19). */
  readonly authentication: number;
  readonly integrity: number;
  readonly confidentiality: number;
  /** Hash of the RAKP HMACs and of the keys they give. */
  readonly hash: "sha1" | "md5" | "sha256";
  /** Length of RAKP 4's integrity check value. */
  readonly checkLength: number;
  /** Whether packets are proved by HMAC with K1, or by MD5 between two copies of the password (§13.28.4, §22.17.1). */
  readonly proof: "hmac" | "password-md5";
  /** Length of the code at the end of a packet. */
  readonly authCodeLength: number;
}

const aesCbc128 = 1;

export const cipherSuites = {
  3: {
    id: 3,
    authentication: 1,
    integrity: 1,
    confidentiality: aesCbc128,
    hash: "sha1",
    checkLength: 12,
    proof: "hmac",
    authCodeLength: 12,
  },
  8: {
    id: 8,
    authentication: 2,
    integrity: 2,
    confidentiality: aesCbc128,
    hash: "md5",
    checkLength: 16,
    proof: "hmac",
    authCodeLength: 16,
  },
  12: {
    id: 12,
    authentication: 2,
    integrity: 3,
    confidentiality: aesCbc128,
    hash: "md5",
    checkLength: 16,
    proof: "password-md5",
    authCodeLength: 16,
  },
  17: {
    id: 17,
    authentication: 3,
    integrity: 4,
    confidentiality: aesCbc128,
    hash: "sha256",
    checkLength: 16,
    proof: "hmac",
    authCodeLength: 16,
  },
} as const satisfies Record<number, CipherSuite>;

/** The suite with this number, undefined when it is not one of ours. */
export function cipherSuite(id: number): CipherSuite | undefined {
  return Object.values(cipherSuites).find((suite) => suite.id === id);
}

/** The suite made of these three algorithms, undefined when it is not one of ours. */
export function suiteOfAlgorithms(chosen: { authentication: number; integrity: number; confidentiality: number }): CipherSuite | undefined {
  return Object.values(cipherSuites).find(
    (suite) =>
      suite.authentication === chosen.authentication &&
      suite.integrity === chosen.integrity &&
      suite.confidentiality === chosen.confidentiality,
  );
}
