/** A serial line behind a raw TCP port: a terminal server, ser2net, QEMU's `-serial tcp:`. */
import { connect } from "node:net";
import { hostAndPort } from "../../../proto/base/address.js";
import type { Clock } from "../../../proto/base/clock.js";
import { InvalidArgumentError } from "../../../proto/base/errors.js";
import type { ConsoleSource } from "../../ports/console.js";
import { openSocketLine } from "./socket-line.js";

/** A line can be silent for days: only keepalive tells that the far end has gone. */
const keepaliveAfterMs = 30_000;

/** `target` is HOST:PORT, IPv6 in brackets. Throws InvalidArgumentError. */
export function tcpConsole(target: string, clock: Clock): ConsoleSource {
  const { host, port } = hostAndPort(target);
  const label = `tcp ${target}`;
  if (port === 0) throw new InvalidArgumentError(`console ${label}: nothing listens on port 0; name the port of the line`);
  return {
    kind: "tcp",
    label,
    open: async (options) => {
      const socket = connect({ host, port });
      socket.setNoDelay(true).setKeepAlive(true, keepaliveAfterMs);
      return await openSocketLine(socket, { label, clock, signal: options?.signal });
    },
    close: async () => {},
  };
}
