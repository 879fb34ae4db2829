/** Joining a lab: a token in, an identity out. Agents and people do it alike. */
import { createHash } from "node:crypto";
import { connect } from "node:tls";
import type { DetailedPeerCertificate } from "node:tls";
import { withDeadline } from "../base/abort.js";
import type { Clock } from "../base/clock.js";
import { AuthenticationError, CancelledError, UnreachableError } from "../base/errors.js";
import { EnrollmentServiceService } from "../gen/lab/v1/enrollment.js";
import { hostAndPort } from "../base/address.js";
import { dialChannel } from "./channel.js";
import { clientOf } from "./client.js";
import type { Identity } from "./identity.js";
import { generateKeyPair, provePossession } from "./identity.js";
import { controllerName } from "./peer.js";
import { parseToken, presentedToken } from "./token.js";

const dialDeadlineMs = 10_000;

interface JoinOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Trades a token for an identity at the controller HOST:PORT. Throws AuthenticationError when the controller is not the one the
 * token was made by (the secret has then not been sent) or refuses the token, UnreachableError when nobody answers.
 */
export async function joinLab(address: string, token: string, options: JoinOptions): Promise<Identity & { readonly name: string }> {
  const { id, secret, caSha256 } = parseToken(token);
  // The CA comes from the connection itself, but only the pinned one is taken; every call then goes over TLS verified against it.
  const caPem = await fetchPinnedCa(address, caSha256, options);
  const presented = presentedToken({ id, secret });
  const { keyPem, publicKey } = generateKeyPair();
  const channel = dialChannel({ address, caPem, clock: options.clock });
  try {
    const enrollment = clientOf(EnrollmentServiceService, channel);
    const request = { token: presented, publicKey, proof: provePossession(keyPem, presented) };
    const answer = await enrollment.join(request, { signal: options.signal });
    return { keyPem, certificatePem: answer.certificatePem, caPem, name: answer.name };
  } finally {
    channel.close();
  }
}

/** A new certificate for a new key, asked for with the old one. The name and the role stay. */
export async function renewIdentity(address: string, identity: Identity, options: JoinOptions): Promise<Identity> {
  const { keyPem, publicKey } = generateKeyPair();
  const channel = dialChannel({ address, caPem: identity.caPem, identity, clock: options.clock });
  try {
    const enrollment = clientOf(EnrollmentServiceService, channel);
    const request = { publicKey, proof: provePossession(keyPem, publicKey.toString("base64")) };
    const { certificatePem } = await enrollment.renew(request, { signal: options.signal });
    return { keyPem, certificatePem, caPem: identity.caPem };
  } finally {
    channel.close();
  }
}

/** The CA certificate at the end of the chain the controller presents, when its digest is the pinned one. Sends nothing of ours. */
function fetchPinnedCa(address: string, caSha256: string, options: JoinOptions): Promise<string> {
  const wait = { subject: `controller ${address}`, awaited: "a TLS handshake", deadlineMs: dialDeadlineMs };
  return withDeadline(options.clock, wait, (signal) => presentedCa(address, caSha256, signal), { signal: options.signal });
}

function presentedCa(address: string, caSha256: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    // Unverified on purpose: what is compared below is stronger than any name, and nothing is said before.
    const socket = connect({ ...hostAndPort(address), servername: controllerName, ALPNProtocols: ["h2"], rejectUnauthorized: false });
    signal.addEventListener("abort", () => socket.destroy(CancelledError.from(signal)), { once: true });
    socket.once("error", (cause) =>
      reject(new UnreachableError(`controller ${address}: no connection; check the address and that lab-controller runs`, { cause })),
    );
    socket.once("secureConnect", () => {
      const root = lastOfChain(socket.getPeerCertificate(true));
      socket.destroy();
      if (createHash("sha256").update(root).digest("hex") === caSha256) resolve(pemOf(root));
      else
        reject(
          new AuthenticationError(`controller ${address}: not the lab this token is for: its CA has another digest. Nothing was sent`),
        );
    });
  });
}

function lastOfChain(leaf: DetailedPeerCertificate): Buffer {
  let last = leaf;
  // A self-signed certificate is its own issuer.
  while (last.issuerCertificate !== undefined && last.issuerCertificate !== last) last = last.issuerCertificate;
  return last.raw ?? Buffer.alloc(0);
}

function pemOf(der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
