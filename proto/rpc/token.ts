/** Join tokens: "ID.SECRET.CA-SHA256". The last part says whom to trust, the first two whom to admit. */
import { InvalidArgumentError } from "../base/errors.js";

export interface JoinToken {
  /** Names the token in the controller's book and logs. */
  readonly id: string;
  /** Never logged, and never sent before the peer has proved to be the pinned CA's. */
  readonly secret: string;
  /** SHA-256 of the CA certificate's DER, lower-case hex. */
  readonly caSha256: string;
}

const form = /^([A-Za-z0-9_-]{4,64})\.([A-Za-z0-9_-]{16,128})\.([0-9a-f]{64})$/;

/** Throws InvalidArgumentError, without repeating the text: it may hold a secret. */
export function parseToken(text: string): JoinToken {
  const [, id, secret, caSha256] = form.exec(text.trim()) ?? [];
  if (id === undefined || secret === undefined || caSha256 === undefined) {
    throw new InvalidArgumentError(
      "join token: not of the form ID.SECRET.CA-SHA256; copy the whole line `lab token agent NAME` printed, without line breaks",
    );
  }
  return { id, secret, caSha256 };
}

export function formatToken(token: JoinToken): string {
  return `${token.id}.${token.secret}.${token.caSha256}`;
}

/** The part the controller sees, and what the joiner signs to prove that it holds the key. */
export function presentedToken(token: Pick<JoinToken, "id" | "secret">): string {
  return `${token.id}.${token.secret}`;
}
