/**
 * Whose certificate is good enough to be told a password. Checked on every new connection after its handshake, before any byte of HTTP
 * is on it: a connection that is not trusted never becomes one.
 */
import { createHash } from "node:crypto";
import { Agent, type AgentOptions } from "node:https";
import { isIP } from "node:net";
import type { Duplex } from "node:stream";
import { connect, type TLSSocket } from "node:tls";
import type { Clock } from "../../../../proto/base/clock.js";
import { AuthenticationError, UnreachableError } from "../../../../proto/base/errors.js";
import type { Endpoint } from "./endpoint.js";

/** BMCs compute a handshake slowly. */
const handshakeMs = 20_000;

interface TrustOptions {
  readonly endpoint: Endpoint;
  /** 64 lower-case hexadecimal digits; "" = signed by an authority this machine trusts. */
  readonly fingerprint: string;
  readonly clock: Clock;
}

/** An agent whose connections all lead to the one endpoint, to a certificate that is trusted. */
export class TrustingAgent extends Agent {
  readonly #trust: TrustOptions;
  readonly #connecting = new Set<(error: Error) => void>();

  constructor(trust: TrustOptions, options: AgentOptions) {
    super(options);
    this.#trust = trust;
  }

  /** Calls back when the handshake is over: node:http waits for that, and has nothing to write to before. */
  override createConnection(_options: unknown, callback?: (error: Error | null, stream: Duplex) => void): undefined {
    const { endpoint, clock } = this.#trust;
    const { host, port, label } = endpoint;
    // Not rejected by TLS itself: then nobody could tell which certificate it was. `objection` decides.
    const socket = connect({ host, port, servername: isIP(host) === 0 ? host : "", rejectUnauthorized: false });
    const done = (error: Error | null) => {
      if (!this.#connecting.delete(fail)) return;
      timer.cancel();
      if (error === null) socket.off("error", fail);
      else socket.destroy();
      callback?.(error, socket);
    };
    const fail = (error: Error) => done(error);
    const timer = clock.after(handshakeMs, () =>
      fail(new UnreachableError(`${label}: no connection within ${handshakeMs / 1000} s; check address and cable`)),
    );
    this.#connecting.add(fail);
    socket.on("error", fail);
    socket.once("secureConnect", () => done(objection(socket, this.#trust)));
    return undefined;
  }

  override destroy(): void {
    super.destroy();
    for (const fail of this.#connecting) fail(new UnreachableError(`${this.#trust.endpoint.label}: is not looked after any more`));
  }
}

function objection(socket: TLSSocket, { endpoint, fingerprint }: TrustOptions): AuthenticationError | null {
  const seen = fingerprintOf(socket);
  const facts = { fingerprint: seen };
  if (fingerprint !== "") {
    if (seen === fingerprint) return null;
    return new AuthenticationError(
      `${endpoint.label}: its certificate is not the one of the inventory; nothing was sent to it. It showed SHA-256 ${seen}, expected was ` +
        `${fingerprint}; another machine answers at this address, or its certificate was renewed: then put the new one into ` +
        "power: redfish: fingerprint",
      { facts },
    );
  }
  if (socket.authorized) return null;
  return new AuthenticationError(
    `${endpoint.label}: its certificate is not trusted (${String(socket.authorizationError)}); nothing was sent to it. Compare its SHA-256 ` +
      `${seen} with what the device shows, then put it into the inventory as power: redfish: fingerprint; or install a certificate of an ` +
      "authority this machine trusts",
    { facts },
  );
}

function fingerprintOf(socket: TLSSocket): string {
  const { raw } = socket.getPeerCertificate() as { raw?: Buffer };
  return raw === undefined ? "none" : createHash("sha256").update(raw).digest("hex");
}
