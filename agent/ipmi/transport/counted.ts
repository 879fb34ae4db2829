/** A transport that counts, for results and benchmarks. */
import { isConsoleTraffic } from "../wire/index.js";
import type { Transport } from "./transport.js";

/** Datagrams but those of a console; copies and what is dropped as forged or late included. */
export interface Traffic {
  sent: number;
  received: number;
}

/** The same transport; what passes through its routes is added to `traffic`. Closing it closes nothing: it belongs to somebody else. */
export function countedTransport(transport: Transport, traffic: Traffic): Transport {
  return {
    async open(remote, listener) {
      const route = await transport.open(remote, {
        received(datagram) {
          if (!isConsoleTraffic(datagram)) traffic.received += 1;
          listener.received(datagram);
        },
        sendFailed: (error) => listener.sendFailed(error),
      });
      return {
        send(datagram) {
          if (!isConsoleTraffic(datagram)) traffic.sent += 1;
          route.send(datagram);
        },
        close: () => route.close(),
      };
    },
    close: async () => undefined,
  };
}
