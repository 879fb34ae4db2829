/** A controller's port on a free port of this host, with a real authority behind it, for tests that want real TLS. */
import { Server } from "@grpc/grpc-js";
import type { TLSSocket } from "node:tls";
import { Authority } from "../../../controller/identity/authority.js";
import type { Clock } from "../../../proto/base/clock.js";
import { systemClock } from "../../../proto/base/clock.js";
import { silentLogger } from "../../../proto/base/logger.js";
import { serverOptions } from "../../../proto/rpc/channel.js";
import type { Identity } from "../../../proto/rpc/identity.js";
import { generateKeyPair } from "../../../proto/rpc/identity.js";
import { Port } from "../../../proto/rpc/mux.js";
import type { Peer } from "../../../proto/rpc/peer.js";

export interface LabPort {
  readonly address: string;
  readonly authority: Authority;
  readonly port: Port;
  close(): Promise<void>;
}

/** Opens the port; `services` adds what API clients may call. Sockets of agents nobody takes are destroyed. */
export async function openLabPort(
  directory: string,
  options: {
    services?: (server: Server) => void;
    onAgent?: (socket: TLSSocket, agent: string) => void;
    clock?: Clock;
    listen?: number;
  } = {},
): Promise<LabPort> {
  const authority = await Authority.open(directory, { clock: options.clock ?? systemClock, lab: "test" });
  const api = new Server(serverOptions());
  options.services?.(api);
  const port = new Port({
    tls: await authority.issueServer([]),
    api,
    onAgent: options.onAgent ?? ((socket) => socket.destroy()),
    logger: silentLogger,
  });
  const bound = await port.listen("127.0.0.1", options.listen ?? 0);
  const close = async () => {
    api.forceShutdown();
    await port.close();
  };
  return { address: `127.0.0.1:${bound.port}`, authority, port, close };
}

/** An identity this authority signed. */
export async function issueIdentity(authority: Authority, peer: Peer): Promise<Identity> {
  const { keyPem, publicKey } = generateKeyPair();
  const { certificatePem } = await authority.issue(peer, publicKey);
  return { keyPem, certificatePem, caPem: authority.caPem };
}
