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
  /** By remote address and port. */
  readonly routes: Map<string, Map<number, RouteListener>>;
  routeCount: number;
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
    const shared = this.#socketFor(family, address, remote.port);
    const ports = shared.routes.get(address) ?? new Map<number, RouteListener>();
    let open = true;
    const failed = (error: Error | null) => {
      if (error !== null && open) listener.sendFailed(error);
    };
    // Asking how a datagram left costs a tick for each; whoever is heard can be sent to.
    let sent: typeof failed | undefined = failed;
    const received = (datagram: Uint8Array) => {
      sent = undefined;
      listener.received(datagram);
    };
    shared.routes.set(address, ports.set(remote.port, { received, sendFailed: failed }));
    shared.routeCount += 1;
    return {
      send: (datagram) => {
        // Its socket is gone when the transport was closed with this route still open.
        if (open && this.#sockets.has(shared)) shared.socket.send(datagram, remote.port, address, sent);
      },
      close: () => {
        if (!open) return;
        open = false;
        ports.delete(remote.port);
        shared.routeCount -= 1;
        if (shared.routeCount === 0) this.#drop(shared);
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

  #socketFor(family: 4 | 6, address: string, port: number): SharedSocket {
    for (const shared of this.#sockets) {
      const taken = shared.routes.get(address)?.has(port) ?? false;
      if (shared.family === family && shared.routeCount < routesPerSocket && !taken) return shared;
    }
    const socket = createSocket({ type: family === 4 ? "udp4" : "udp6", recvBufferSize: receiveBufferBytes, lookup: alreadyResolved });
    const shared: SharedSocket = { family, socket, routes: new Map(), routeCount: 0 };
    socket.on("message", (datagram, from) => shared.routes.get(from.address)?.get(from.port)?.received(datagram));
    socket.on("error", (error) => {
      for (const ports of shared.routes.values()) for (const listener of ports.values()) listener.sendFailed(error);
    });
    this.#sockets.add(shared);
    return shared;
  }

  #drop(shared: SharedSocket): void {
    if (this.#sockets.delete(shared)) shared.socket.close();
  }
}

/**
 * Sockets are given addresses only. Node's own look-up of one answers in a later tick: every datagram would leave that much later,
 * an acknowledgement behind whatever else the tick does.
 */
function alreadyResolved(address: string, family: unknown, done: (error: null, address: string, family: number) => void): void {
  done(null, address, family === 6 ? 6 : 4);
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
