/**
 * Many BMCs over few UDP sockets. A datagram belongs to the route with its remote address and port; two routes to the same
 * remote get different sockets, so the session id inside never has to be looked at here.
 */
import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { UnreachableError } from "../../../proto/base/errors.js";
import type { Remote, Route, RouteListener, Transport } from "./transport.js";

/** As aiohmi does: more share a receive buffer that a burst of consoles can overrun. */
const routesPerSocket = 64;
/** Room for a burst of full SOL packets from all of them; the kernel cuts it to its own limit. */
const receiveBufferBytes = 1 << 20;

interface SharedSocket {
  readonly family: 4 | 6;
  readonly socket: Socket;
  readonly routes: Map<string, RouteListener>;
}

export class UdpTransport implements Transport {
  readonly #sockets = new Set<SharedSocket>();
  #closed = false;

  /** How many sockets are open. */
  get socketCount(): number {
    return this.#sockets.size;
  }

  async open(remote: Remote, listener: RouteListener): Promise<Route> {
    const { address, family } = await resolve(remote);
    if (this.#closed) throw new UnreachableError(`bmc ${remote.address}: the transport is closed`);
    const key = routeKey(address, remote.port);
    const shared = this.#socketFor(family, key);
    shared.routes.set(key, listener);
    let open = true;
    return {
      send: (datagram) => {
        // Its socket is gone when the transport was closed with this route still open.
        if (!open || !this.#sockets.has(shared)) return;
        shared.socket.send(datagram, remote.port, address, (error) => {
          if (error !== null && open) listener.sendFailed(error);
        });
      },
      close: () => {
        if (!open) return;
        open = false;
        shared.routes.delete(key);
        if (shared.routes.size === 0) this.#drop(shared);
      },
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const shared of this.#sockets) {
      shared.routes.clear();
      this.#drop(shared);
    }
  }

  #socketFor(family: 4 | 6, key: string): SharedSocket {
    for (const shared of this.#sockets) {
      if (shared.family === family && shared.routes.size < routesPerSocket && !shared.routes.has(key)) return shared;
    }
    const socket = createSocket({ type: family === 4 ? "udp4" : "udp6", recvBufferSize: receiveBufferBytes });
    const shared: SharedSocket = { family, socket, routes: new Map() };
    socket.on("message", (datagram, from) => shared.routes.get(routeKey(from.address, from.port))?.received(datagram));
    socket.on("error", (error) => {
      for (const listener of shared.routes.values()) listener.sendFailed(error);
    });
    this.#sockets.add(shared);
    return shared;
  }

  #drop(shared: SharedSocket): void {
    if (this.#sockets.delete(shared)) shared.socket.close();
  }
}

function routeKey(address: string, port: number): string {
  return `${address} ${port}`;
}

async function resolve({ address }: Remote): Promise<{ address: string; family: 4 | 6 }> {
  const version = isIP(address);
  if (version === 4 || version === 6) return { address, family: version };
  try {
    const found = await lookup(address);
    return { address: found.address, family: found.family === 6 ? 6 : 4 };
  } catch (cause) {
    throw new UnreachableError(`bmc ${address}: its name does not resolve; check the address in the inventory`, { cause });
  }
}
