/** Who gets a certificate: whoever holds an unspent token, or a valid certificate to renew. */
import { createPublicKey, verify } from "node:crypto";
import { AuthenticationError } from "../../proto/base/errors.js";
import type { Peer } from "../../proto/rpc/peer.js";
import type { Authority } from "./authority.js";
import type { JoinTokens } from "./join-tokens.js";

export interface KeyProof {
  /** DER SubjectPublicKeyInfo, P-256. */
  readonly publicKey: Uint8Array;
  /** ECDSA P-256, SHA-256, DER, over the challenge. */
  readonly proof: Uint8Array;
}

export interface Certificate {
  readonly certificatePem: string;
  readonly caPem: string;
  readonly name: string;
  readonly expiresMs: number;
}

export class Enrollment {
  readonly #authority: Authority;
  readonly #tokens: JoinTokens;

  constructor(authority: Authority, tokens: JoinTokens) {
    this.#authority = authority;
    this.#tokens = tokens;
  }

  /** Makes a join token for `peer`. `lifeMs` undefined = 1 h. */
  createToken(peer: Peer, lifeMs?: number): Promise<{ token: string; expiresMs: number }> {
    const { caSha256 } = this.#authority;
    return this.#tokens.create(peer, lifeMs === undefined ? { caSha256 } : { caSha256, lifeMs });
  }

  /** Trades a token ("ID.SECRET") for a certificate. The proof is checked first: a broken joiner does not cost its token. */
  async join(presented: string, key: KeyProof): Promise<Certificate> {
    checkProof(key, presented);
    return this.#issue(await this.#tokens.spend(presented), key);
  }

  /** A new certificate for a peer that called with a valid one. */
  async renew(peer: Peer, key: KeyProof): Promise<Certificate> {
    checkProof(key, Buffer.from(key.publicKey).toString("base64"));
    return this.#issue(peer, key);
  }

  async #issue(peer: Peer, key: KeyProof): Promise<Certificate> {
    const issued = await this.#authority.issue(peer, key.publicKey);
    return { ...issued, caPem: this.#authority.caPem, name: peer.name };
  }
}

/** Throws AuthenticationError when `proof` is not the key's signature over `challenge`. */
function checkProof({ publicKey, proof }: KeyProof, challenge: string): void {
  let proven = false;
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey), format: "der", type: "spki" });
    proven = key.asymmetricKeyDetails?.namedCurve === "prime256v1" && verify("sha256", Buffer.from(challenge), key, proof);
  } catch {
    // A malformed key or signature proves nothing.
  }
  if (!proven) throw new AuthenticationError("enrollment: the key is not P-256 or its proof of possession does not verify");
}
