/** A BMC on a UDP port. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { UnreachableError } from "../../../proto/base/errors.js";
import { Bmc, type BmcOptions } from "./bmc.js";
import type { ActiveFaults } from "./faults/index.js";

export interface BmcServer {
  readonly address: string;
  readonly port: number;
  /** What is wrong with the BMC at the moment; may be changed while it serves. */
  readonly faults: ActiveFaults;
  /** The machine's firmware starts and asks what to boot from; a choice for one boot is thereby spent. */
  takeBootDevice(): string;
  /** Idempotent. */
  close(): Promise<void>;
}

/** Binds and serves until closed. `port` 0 = any free one. Throws UnreachableError when the address cannot be bound. */
export async function serveBmc(at: { address: string; port: number }, options: Omit<BmcOptions, "send" | "port">): Promise<BmcServer> {
  const socket = createSocket("udp4");
  socket.bind(at.port, at.address);
  try {
    await once(socket, "listening");
  } catch (cause) {
    throw new UnreachableError(`simulated BMC: cannot bind ${at.address}:${at.port}; choose an address of this machine and a free port`, {
      cause,
    });
  }
  const { address, port } = socket.address();
  const bmc = new Bmc({
    ...options,
    port,
    // A datagram that cannot be sent is lost like any other.
    send: (datagram, peer) => socket.send(datagram, peer.port, peer.address, () => undefined),
  });
  socket.on("message", (datagram, peer) => bmc.receive(datagram, peer));
  socket.on("error", (err) => options.log.warn({ err }, "BMC socket"));
  let closed: Promise<void> | undefined;
  return {
    address,
    port,
    faults: bmc.faults,
    takeBootDevice: () => bmc.bootOptions.take(),
    close() {
      closed ??= (async () => {
        bmc.close();
        const gone = once(socket, "close");
        socket.close();
        await gone;
      })();
      return closed;
    },
  };
}
