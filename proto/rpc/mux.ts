/**
 * The controller's one port: TLS only, and ALPN says who calls. Nobody gets past here with a certificate our CA did not sign; an
 * agent needs one, an API client without one reaches what the services leave open (EnrollmentService.Join), a browser needs none.
 */
import { ServerCredentials } from "@grpc/grpc-js";
import type { ConnectionInjector, Server as GrpcServer } from "@grpc/grpc-js";
import { createServer as createHttpServer } from "node:http";
import type { Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { Server as TlsServer, TLSSocket } from "node:tls";
import { UnreachableError } from "../base/errors.js";
import type { Logger } from "../base/logger.js";
import { peerOf } from "./peer.js";
import type { Peer } from "./peer.js";
import { agentProtocol, apiProtocol, webProtocol } from "./protocols.js";

export interface TlsMaterial {
  readonly keyPem: string;
  /** The server's certificate followed by the CA's: joiners find the CA at the end of the chain. */
  readonly chainPem: string;
  readonly caPem: string;
}

export interface PortOptions {
  readonly tls: TlsMaterial;
  /** Serves API clients. */
  readonly api: GrpcServer;
  /** Takes over the connection of a verified agent. */
  readonly onAgent: (socket: TLSSocket, agent: string) => void;
  /** Serves browsers. Default: an answer that says what this port is. */
  readonly web?: HttpServer;
  readonly logger: Logger;
}

const handshakeTimeoutMs = 10_000;

export class Port {
  readonly #tls: TlsServer;
  readonly #injector: ConnectionInjector;
  readonly #web: HttpServer;
  readonly #sockets = new Set<TLSSocket>();
  readonly #options: PortOptions;

  constructor(options: PortOptions) {
    this.#options = options;
    this.#injector = options.api.createConnectionInjector(ServerCredentials.createInsecure());
    this.#web = options.web ?? signpost();
    this.#tls = createTlsServer({
      ...secureContext(options.tls),
      requestCert: true,
      // Whoever has none is let in as nobody; whoever shows a foreign one is turned away in #accept.
      rejectUnauthorized: false,
      handshakeTimeout: handshakeTimeoutMs,
      ALPNCallback: ({ protocols }) => [webProtocol, agentProtocol, apiProtocol].find((each) => protocols.includes(each)),
    });
    this.#tls.on("secureConnection", (socket) => this.#accept(socket));
    this.#tls.on("tlsClientError", (err) => options.logger.debug({ err }, "TLS handshake failed"));
  }

  /** Port 0 takes a free one. Throws UnreachableError when the address cannot be listened on. */
  listen(host: string, port: number): Promise<{ host: string; port: number }> {
    return new Promise((resolve, reject) => {
      const onError = (cause: Error) =>
        reject(new UnreachableError(`listen on ${host}:${port}: ${cause.message}; choose another port or stop what uses it`, { cause }));
      this.#tls.once("error", onError);
      this.#tls.listen({ host, port }, () => {
        this.#tls.off("error", onError);
        const { address, port: actual } = this.#tls.address() as AddressInfo;
        resolve({ host: address, port: actual });
      });
    });
  }

  /** New connections see the new certificate. */
  useCertificate(tls: TlsMaterial): void {
    this.#tls.setSecureContext(secureContext(tls));
  }

  /** Stops listening and ends every connection. Idempotent. */
  async close(): Promise<void> {
    this.#injector.destroy();
    this.#web.close();
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#tls.close(() => resolve()));
  }

  #accept(socket: TLSSocket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    socket.on("error", (err) => this.#options.logger.debug({ err }, "connection broke"));
    socket.setNoDelay();
    const certificate = socket.getPeerCertificate();
    const presented = Object.keys(certificate).length > 0;
    if (presented && !socket.authorized) return this.#refuse(socket, "its certificate is not of this lab's CA or has expired");
    if (socket.alpnProtocol === apiProtocol) this.#injector.injectConnection(socket);
    else if (socket.alpnProtocol === agentProtocol) this.#acceptAgent(socket, presented ? peerOf(certificate) : undefined);
    // Whoever names no protocol speaks HTTP/1.1, if anything.
    else this.#web.emit("connection", socket);
  }

  #acceptAgent(socket: TLSSocket, peer: Peer | undefined): void {
    if (peer?.role === "agent") this.#options.onAgent(socket, peer.name);
    else this.#refuse(socket, "the agents' door needs an agent's certificate");
  }

  #refuse(socket: TLSSocket, reason: string): void {
    this.#options.logger.warn({ from: socket.remoteAddress, reason }, "connection refused");
    socket.destroy();
  }
}

function secureContext(tls: TlsMaterial) {
  return { key: tls.keyPem, cert: tls.chainPem, ca: tls.caPem, minVersion: "TLSv1.2" as const };
}

function signpost(): HttpServer {
  return createHttpServer((_request, response) => {
    response.writeHead(404, { "content-type": "text/plain; charset=utf-8" });
    response.end("labd: this port serves the lab command and agents; there is no page here\n");
  });
}
