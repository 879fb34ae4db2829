/** The agent's end of the reverse connection: dial out, then serve gRPC on what was dialled, for ever. */
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { connect } from "node:tls";
import type { TLSSocket } from "node:tls";
import { withDeadline } from "../base/abort.js";
import { Backoff } from "../base/backoff.js";
import type { BackoffOptions } from "../base/backoff.js";
import type { Clock } from "../base/clock.js";
import { sleep } from "../base/clock.js";
import { AuthenticationError, CancelledError, describeError, UnreachableError } from "../base/errors.js";
import type { LabError } from "../base/errors.js";
import type { Logger } from "../base/logger.js";
import { hostAndPort } from "../base/address.js";
import { serverOptions } from "./channel.js";
import type { Keepalive } from "./channel.js";
import type { Identity } from "./identity.js";
import { agentProtocol } from "./protocols.js";
import { controllerName } from "./peer.js";

const dialDeadlineMs = 10_000;

export interface ServeControllerOptions {
  /** HOST:PORT of the controller. */
  readonly address: string;
  /** Asked for at every dial, so that a renewed certificate is used from then on. */
  readonly identity: () => Identity;
  /** Adds the agent's services. Called once: the server outlives connections. */
  readonly services: (server: Server) => void;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly backoff?: BackoffOptions;
  readonly keepalive?: Keepalive;
  readonly onConnected?: () => void;
  /** Told why a dial failed or a connection ended. */
  readonly onDisconnected?: (reason: string) => void;
}

/** Keeps one connection to the controller and serves on it until the signal aborts. Every failure is waited out and tried again. */
export async function serveController(options: ServeControllerOptions): Promise<void> {
  const { clock, logger, signal } = options;
  const server = new Server(serverOptions(options.keepalive));
  options.services(server);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const backoff = new Backoff(options.backoff ?? { initialMs: 250, capMs: 15_000, stableMs: 30_000 });
  try {
    while (!signal.aborted) {
      const startedMs = clock.monotonicMs();
      const reason = await serveOnce(options, (socket) => injector.injectConnection(socket));
      if (signal.aborted) break;
      options.onDisconnected?.(reason);
      logger.warn({ controller: options.address, reason }, "not connected to the controller; dialling again");
      await sleep(clock, backoff.nextDelayMs(clock.monotonicMs() - startedMs), { signal });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    server.forceShutdown();
  }
}

/** One connection from dial to end; resolves with the reason of the end. */
async function serveOnce(options: ServeControllerOptions, inject: (socket: TLSSocket) => void): Promise<string> {
  const { address, clock, signal } = options;
  try {
    const socket = await dialController({ address, identity: options.identity(), clock, signal });
    const ended = whenClosed(socket, signal);
    inject(socket);
    options.onConnected?.();
    return await ended;
  } catch (error) {
    return describeError(error);
  }
}

/**
 * A TLS connection by which the controller may call us. Throws UnreachableError, AuthenticationError (the controller is not of our
 * lab's CA), DeadlineError after 10 s.
 */
export function dialController(options: {
  address: string;
  identity: Identity;
  clock: Clock;
  signal?: AbortSignal | undefined;
}): Promise<TLSSocket> {
  const { address } = options;
  const wait = { subject: `controller ${address}`, awaited: "a TLS handshake", deadlineMs: dialDeadlineMs };
  return withDeadline(options.clock, wait, (signal) => handshake(address, options.identity, signal), { signal: options.signal });
}

function handshake(address: string, identity: Identity, signal: AbortSignal): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...hostAndPort(address),
      servername: controllerName,
      ALPNProtocols: [agentProtocol],
      ca: identity.caPem,
      cert: identity.certificatePem,
      key: identity.keyPem,
    });
    socket.setNoDelay();
    signal.addEventListener("abort", () => socket.destroy(CancelledError.from(signal)), { once: true });
    const onError = (cause: NodeJS.ErrnoException) => reject(dialError(address, cause, Boolean(socket.authorizationError)));
    socket.once("error", onError);
    socket.once("secureConnect", () => {
      socket.off("error", onError);
      resolve(socket);
    });
  });
}

function dialError(address: string, cause: NodeJS.ErrnoException, untrusted: boolean): LabError {
  if (cause.code === "CERT_NOT_YET_VALID" || cause.code === "CERT_HAS_EXPIRED") {
    return new AuthenticationError(
      `controller ${address}: its certificate is not in force by this machine's clock (${cause.code}); check the time here and there`,
      { cause },
    );
  }
  if (untrusted) {
    return new AuthenticationError(`controller ${address}: its certificate is not our lab's; check the address, or join again`, { cause });
  }
  return new UnreachableError(`controller ${address}: no connection; check the address and that lab-controller runs`, { cause });
}

function whenClosed(socket: TLSSocket, signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    let reason = "the controller closed the connection; its log says why";
    const onAbort = () => socket.destroy();
    signal.addEventListener("abort", onAbort, { once: true });
    socket.on("error", (error) => {
      reason = error.message;
    });
    socket.once("close", () => {
      signal.removeEventListener("abort", onAbort);
      resolve(reason);
    });
  });
}
